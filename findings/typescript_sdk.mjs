/* One program on the MCP SDK for TypeScript, a server that rotates refresh tokens, and what passes between them. */
import { createServer } from 'node:http';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

// The SDK explains itself there.
console.warn = () => {};

/** Throws unless what was seen is what was expected. */
export function expect(what, seen, expected) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    if (JSON.stringify(seen) !== JSON.stringify(expected)) throw new Error(`expected ${JSON.stringify(expected)}`);
}

/**
 * Sends `count` requests at once, with an access token that the server does not accept and a refresh token that it does,
 * and returns what happened. `tokenEndpoint(request, response)` replaces the token endpoint.
 */
export async function requests(count, tokenEndpoint) {
    const seen = { refreshes: 0, pages: 0, answered: 0 };
    const waiting = [];
    let current = 'refresh-0';
    let issued = 0;
    const server = createServer(async (request, response) => {
        const base = `http://${request.headers.host}`;
        const answer = (status, body) => {
            response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
        };
        let body = '';
        for await (const chunk of request) body += chunk;
        if (request.url.includes('oauth-protected-resource'))
            return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
        if (request.method === 'GET')
            return answer(200, {
                issuer: base,
                authorization_endpoint: `${base}/authorize`,
                token_endpoint: `${base}/token`,
                response_types_supported: ['code'],
                grant_types_supported: ['authorization_code', 'refresh_token'],
                code_challenge_methods_supported: ['S256'],
                token_endpoint_auth_methods_supported: ['none'],
            });
        if (request.url === '/mcp') {
            const { id } = JSON.parse(body);
            const live = request.headers.authorization === `Bearer access-for-${current}` && current !== 'refresh-0';
            if (!live) return answer(401, {});
            answer(200, { jsonrpc: '2.0', id, result: {} });
            // Now the first refresh is stored and used: the others get their answers.
            for (const go of waiting.splice(0)) go();
            return;
        }
        seen.refreshes += 1;
        if (tokenEndpoint) return tokenEndpoint(request, response);
        waiting.push(() => {
            if (new URLSearchParams(body).get('refresh_token') !== current) return answer(400, { error: 'invalid_grant' });
            current = `refresh-${(issued += 1)}`;
            answer(200, { access_token: `access-for-${current}`, token_type: 'Bearer', expires_in: 3600, refresh_token: current });
        });
        // The first refresh is answered when every call has asked for one.
        if (seen.refreshes === count) waiting.shift()();
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
    const stored = {
        client: { client_id: 'a-client' },
        tokens: { access_token: 'an old one', token_type: 'Bearer', refresh_token: current },
    };
    const redirectUrl = 'http://127.0.0.1:53682/callback';
    const provider = {
        redirectUrl,
        clientMetadata: { client_name: 'a program', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
        clientInformation: () => stored.client,
        saveClientInformation: (client) => { stored.client = client; },
        tokens: () => stored.tokens,
        saveTokens: (tokens) => { stored.tokens = tokens; },
        saveCodeVerifier: () => {},
        codeVerifier: () => '',
        invalidateCredentials: (what) => { delete stored[what]; },
        redirectToAuthorization: () => { seen.pages += 1; },
    };
    const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
    await transport.start();
    transport.onmessage = () => { seen.answered += 1; };
    const send = (id) => transport.send({ jsonrpc: '2.0', id, method: 'tools/list' });
    const results = await Promise.allSettled(Array.from({ length: count }, (_, id) => send(id)));
    seen.errors = results.filter(({ status }) => status === 'rejected').map(({ reason }) => `${reason.name}: ${reason.message}`);
    seen.stored = stored.tokens?.refresh_token ?? null;
    server.closeAllConnections();
    server.close();
    return seen;
}
