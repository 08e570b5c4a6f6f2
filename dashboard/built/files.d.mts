/** The built files of the dashboard by name: the start of the SHA-256 of each, and what it is, with gzip, in base64. */
export declare const FILES: Readonly<Record<string, { readonly hash: string; readonly gzip: string }>>;
