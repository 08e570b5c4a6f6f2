import type { Reporter, TestCase } from "vitest/node";

/** Names each test that failed and passed when it was tried again (`--retry`): none may hide behind its second try. */
export default class FlakyReporter implements Reporter {
  private readonly flaky: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (!test.diagnostic()?.flaky) return;
    const reasons = test.result().errors?.map(({ message }) => message.split("\n", 1)[0]) ?? [];
    this.flaky.push(
      `${test.project.name} ${test.module.relativeModuleId}: ${test.fullName}\n    ${reasons.join("; ")}`,
    );
  }

  onTestRunEnd(): void {
    if (this.flaky.length > 0) console.error(`Passed only when tried again:\n  ${this.flaky.join("\n  ")}`);
  }
}
