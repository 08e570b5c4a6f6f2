// @ts-check
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Tools for those who change the relay: no operator sees what they say. */
const TOOLS = ["cli/configure.mjs", "cli/messages.mjs", "cli/texts.mjs"];

/** What a client takes for machine-readable (`Prefix` in src/protocol/reason.ts). */
const PREFIXED =
  /^(auth-required|blocked|closed|duplicate|error|info|invalid|mute|pow|rate-limited|restricted|unsupported): ./;

/** Stands for what is known only when a text is sent. */
const OPEN = "…";

const FINDERS = { client: ofClient, close: ofClose, http: ofHttp, log: ofLog, operator: ofOperator };

/**
 * @typedef {object} Found
 * @property {keyof typeof FINDERS} to who sees it, or where
 * @property {string} text with `…` for what is put in
 * @property {number | undefined} code the status of an HTTP answer, or the code of a Close
 * @property {string} file
 */

/** @typedef {Omit<Found, "to" | "file">} Text */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * The texts of the relay and its commands that somebody can see, in any order.
 * @returns {Found[]}
 */
export function findTexts() {
  const files = globSync(["src/**/*.{ts,mjs}", "cli/**/*.mjs"], { cwd: ROOT }).filter((file) => !TOOLS.includes(file));
  return files.flatMap((file) => {
    /** @type {Found[]} */
    const found = [];
    walk(parse(file), (node) => {
      for (const [to, find] of Object.entries(FINDERS)) {
        for (const text of find(node)) {
          if (/\p{L}/u.test(text.text)) found.push({ ...text, to: /** @type {Found["to"]} */ (to), file });
        }
      }
    });
    return found;
  });
}

/**
 * Texts with a prefix, and the NOTICE that has none.
 * @param {ts.Node} node
 * @returns {Text[]}
 */
function ofClient(node) {
  if (ts.isArrayLiteralExpression(node)) {
    const [verb, text] = node.elements;
    if (verb === undefined || !ts.isStringLiteral(verb) || verb.text !== "NOTICE") return [];
    return coded(undefined, text).filter(({ text }) => !PREFIXED.test(text));
  }
  if (isPart(node)) return [];
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node) && !ts.isBinaryExpression(node)) return [];
  return coded(undefined, node).filter(({ text }) => PREFIXED.test(text));
}

/**
 * Reasons of a Close.
 * @param {ts.Node} node
 * @returns {Text[]}
 */
function ofClose(node) {
  const [code, text] = ts.isCallExpression(node) ? node.arguments : [];
  return numbersOf(code).flatMap((number) => (number >= 1000 && number < 1016 ? coded(number, text) : []));
}

/**
 * Answers: `plain(404, "…")`, pairs of a status and a text, `new Response("…")`.
 * @param {ts.Node} node
 * @returns {Text[]}
 */
function ofHttp(node) {
  if (ts.isNewExpression(node) && nameOf(node.expression) === "Response") return coded(200, node.arguments?.[0]);
  const isAnswer = ts.isCallExpression(node) && ["plain", "failure", "refused"].includes(nameOf(node.expression));
  const [status, text] = isAnswer ? node.arguments : ts.isArrayLiteralExpression(node) ? node.elements : [];
  return numbersOf(status).flatMap((number) => (number >= 400 && number < 600 ? coded(number, text) : []));
}

/**
 * Messages of the log, and warnings that are given once.
 * @param {ts.Node} node
 * @returns {Text[]}
 */
function ofLog(node) {
  if (ts.isCallExpression(node)) {
    const isLog = ["report", "guarded", "warnOnce"].includes(nameOf(node.expression));
    return isLog ? coded(undefined, node.arguments[0]) : [];
  }
  if (isPart(node)) return [];
  return coded(undefined, node).filter(({ text }) => text.startsWith("Warning: "));
}

/**
 * What a command prints, and errors that are for the operator.
 * @param {ts.Node} node
 * @returns {Text[]}
 */
function ofOperator(node) {
  if (ts.isPropertyAssignment(node) && node.name.getText() === "must") {
    return coded(undefined, node.initializer).map(({ text }) => ({
      code: undefined,
      text: `${OPEN} ${text}, not ${OPEN}.`,
    }));
  }
  if (ts.isNewExpression(node) && ["StartError", "DataError"].includes(nameOf(node.expression))) {
    return coded(undefined, node.arguments?.[0]);
  }
  if (ts.isReturnStatement(node) && node.getSourceFile().fileName.startsWith("cli/")) {
    return coded(undefined, node.expression).filter(({ text }) => /^[A-Z].* .*\.$/.test(text));
  }
  if (!ts.isCallExpression(node)) return [];
  const callee = node.expression;
  const isPrinted = ts.isPropertyAccessExpression(callee) && callee.expression.getText() === "console";
  if (!isPrinted && callee.kind !== ts.SyntaxKind.SuperKeyword) return [];
  // The first line tells which it is.
  return coded(undefined, node.arguments[0]).map(({ text }) => ({
    code: undefined,
    text: text.trim().split("\n")[0] ?? "",
  }));
}

/**
 * Whether it is a part of a longer text.
 * @param {ts.Node} node
 */
function isPart({ parent }) {
  const isJoined = parent !== undefined && ts.isBinaryExpression(parent);
  return isJoined && parent.operatorToken.kind === ts.SyntaxKind.PlusToken;
}

/**
 * @param {number | undefined} code
 * @param {ts.Node | undefined} node
 * @returns {Text[]}
 */
function coded(code, node) {
  return textsOf(node).map((text) => ({ code, text }));
}

/**
 * The texts that an expression may come to; none if it has no words of its own.
 * @param {ts.Node | undefined} node
 * @returns {string[]}
 */
function textsOf(node) {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [textsOf(node.left), textsOf(node.right)];
    if (node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) return [...left, ...right];
    if (node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return [];
    return left.flatMap((head) => right.map((tail) => head + tail));
  }
  if (ts.isIdentifier(node)) return textsOf(constantOf(node));
  if (!ts.isTemplateExpression(node)) return [];
  return callsOf(node).map((words) => {
    const parts = node.templateSpans.map(({ expression, literal }) => {
      const word =
        words.get(expression.getText()) ?? (ts.isIdentifier(expression) ? textsOf(expression)[0] : undefined);
      return (word ?? OPEN) + literal.text;
    });
    return node.head.text + parts.join("");
  });
}

/**
 * What calls in its file give to the function that a text is in, by parameter; one without words if there are none.
 * @param {ts.Node} node
 * @returns {Map<string, string>[]}
 */
function callsOf(node) {
  const around = ts.findAncestor(node, (one) => ts.isFunctionDeclaration(one) || ts.isMethodDeclaration(one));
  if (around === undefined || !(ts.isFunctionDeclaration(around) || ts.isMethodDeclaration(around))) return [new Map()];
  const [name, parameters] = [around.name?.getText(), around.parameters.map((one) => one.name.getText())];
  /** @type {Map<string, string>[]} */
  const calls = [];
  walk(node.getSourceFile(), (call) => {
    if (!ts.isCallExpression(call) || nameOf(call.expression) !== name?.replace("#", "")) return;
    const words = call.arguments.map((one, i) => [parameters[i] ?? "", textsOf(one)[0] ?? OPEN]);
    calls.push(new Map(/** @type {[string, string][]} */ (words)));
  });
  return calls.length > 0 ? calls : [new Map()];
}

/**
 * What a name stands for that is declared at the top of its file, or of the file that it is imported from.
 * @param {ts.Identifier} name
 * @returns {ts.Expression | undefined}
 */
function constantOf(name) {
  const source = name.getSourceFile();
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      const declared = statement.declarationList.declarations.find((one) => one.name.getText() === name.text);
      if (declared !== undefined) return declared.initializer;
    }
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings) || !statement.moduleSpecifier.text.startsWith("."))
      continue;
    const imported = bindings.elements.find((one) => one.name.text === name.text);
    if (imported === undefined) continue;
    const file = parse(join(dirname(source.fileName), statement.moduleSpecifier.text));
    for (const { declarationList } of file.statements.filter(ts.isVariableStatement)) {
      const original = (imported.propertyName ?? imported.name).text;
      const declared = declarationList.declarations.find((one) => one.name.getText() === original);
      if (declared !== undefined) return declared.initializer;
    }
  }
  return undefined;
}

/**
 * @param {ts.Node | undefined} node
 * @returns {number[]}
 */
function numbersOf(node) {
  if (node === undefined) return [];
  if (ts.isConditionalExpression(node)) return [...numbersOf(node.whenTrue), ...numbersOf(node.whenFalse)];
  return ts.isNumericLiteral(node) ? [Number(node.text)] : [];
}

/**
 * The last name of `report`, `host.report`, `this.#report`.
 * @param {ts.Expression} node
 */
function nameOf(node) {
  return (ts.isPropertyAccessExpression(node) ? node.name : node).getText().replace("#", "");
}

/** @type {Map<string, ts.SourceFile>} */
const parsed = new Map();

/** @param {string} file */
function parse(file) {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), "utf8"), ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

/**
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} visit
 */
function walk(node, visit) {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}
