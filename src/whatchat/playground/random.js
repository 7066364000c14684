/** 144 random bits as 24 characters of `A-Z a-z 0-9 _ -`; works without a secure context. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
