/** A refusal as the server words it, or a server that could not be reached. */
export class ApiError extends Error {
  constructor({
    code,
    message,
    retryable = false,
    retryAfterMs = null,
    field = null,
    reason = null,
  }) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.field = field;
    this.reason = reason;
  }
}

const DEADLINE_MS = 15_000;

const unreachable = () =>
  new ApiError({ code: "unreachable", message: "The server cannot be reached.", retryable: true });

/**
 * One request to the REST API.
 *
 * @param {string} method
 * @param {string} path below `/api`
 * @param {{body?: object, token?: string}} options
 * @returns {Promise<any>} the answer's JSON, null for 204
 * @throws {ApiError} `unreachable` if no answer came within 15 s
 */
export async function call(method, path, { body, token } = {}) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`/api${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (answer.status === 204) return null;
    const content = await answer.json();
    if (answer.ok) return content;
    throw new ApiError(content.error);
  } catch (error) {
    throw error instanceof ApiError ? error : unreachable();
  }
}
