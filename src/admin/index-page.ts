// SPDX-License-Identifier: Apache-2.0
/** The list of endpoints -> the HTML page at `/` and the text at `/help`. No script, nothing loaded from elsewhere. */
import type { Endpoint } from './endpoint.js';
import type { Reply } from './http-server.js';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
border-bottom:1px solid #8884}code{font-size:.9em}form{display:inline}small{opacity:.75}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}a{color:#8ab4f8}}`;

export function indexReply(endpoints: readonly Endpoint[], version: string): Reply {
  const rows = endpoints.map((endpoint) => {
    const parameters = Object.entries(endpoint.parameters ?? {})
      .map(([name, meaning]) => `<br><small><code>${escapeHtml(name)}</code>: ${escapeHtml(meaning)}</small>`)
      .join('');
    return `<tr><td>${actionOf(endpoint)}</td><td>${escapeHtml(endpoint.summary)}${parameters}</td></tr>`;
  });
  const body = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Weft admin</title>
<style>${STYLE}</style></head>
<body><h1>Weft ${escapeHtml(version)}</h1>
<table><thead><tr><th>Path</th><th>What it does</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body,
    headers: {
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    },
  };
}

/** A link for GET, a button for POST; a path with a number in it can't be either. */
function actionOf({ method, path }: Endpoint): string {
  const text = escapeHtml(path);
  if (path.includes('{')) return `<code>${method} ${text}</code>`;
  // Relative, so that the page works behind a path prefix too.
  const target = text.slice(1);
  if (method === 'GET') return `<a href="${target === '' ? '.' : target}">${text}</a>`;
  return `<form method="post" action="${target}"><button>POST ${text}</button></form>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `  /path: summary`, parameters below, in Envoy's form. */
export function helpText(endpoints: readonly Endpoint[]): string {
  let text = 'admin commands are:\n';
  for (const { method, path, summary, parameters } of endpoints) {
    text += `  ${path}${method === 'POST' ? ' (POST)' : ''}: ${summary}\n`;
    for (const [name, meaning] of Object.entries(parameters ?? {})) text += `      ${name}: ${meaning}\n`;
  }
  return text;
}
