/** What `hibernation.ts` names of the types of the Workers runtime, which tests in Node do without. */
interface DurableObjectStorage {
  readonly kv: {
    put(key: string, value: unknown): void;
    delete(key: string): boolean;
  };
  transactionSync<T>(body: () => T): T;
}
