// @ts-check

/**
 * A first command to paste, for a relay that every key may use.
 * @param {string} webSocketUrl
 */
export function tryIt(webSocketUrl) {
  return `
Try it from another terminal:

  node examples/quickstart.mjs ${webSocketUrl}
`;
}
