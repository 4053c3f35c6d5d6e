// What the generated functions call in place of fetch.
const settings = { base: "", token: "" };

export function connect(base: string, token: string) {
  Object.assign(settings, { base, token });
}

export async function service<T>(path: string, options: RequestInit): Promise<T> {
  const headers = { ...options.headers, "x-acs-dingtalk-access-token": settings.token };
  const answer = await fetch(settings.base + path, { ...options, headers });
  // Whatever stands before the service answers in HTML or text.
  const json = answer.headers.get("content-type")?.startsWith("application/json");
  return { data: await (json ? answer.json() : answer.text()), status: answer.status, headers: answer.headers } as T;
}
