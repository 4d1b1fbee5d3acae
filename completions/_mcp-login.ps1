
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mcp-login' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mcp-login'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'mcp-login' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Look up names in this client''s configuration only')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this long: 90s, 10m, 1h [default: 10m; with --device as long as the code is valid, at most 30m]')
            [CompletionResult]::new('--handover', '--handover', [CompletionResultType]::ParameterName, 'Hand the login over to this client afterwards; see `mcp-login handover --list` [default: the client that names the server]')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open this browser; %s stands for the address')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Use the built-in settings for this provider; `mcp-login providers` lists them')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'The tenant, where no MCP server names it: with --provider entra')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'The tools that the login is for, such as gmail,drive: with --provider google')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'A client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-secret', '--client-secret', [CompletionResultType]::ParameterName, 'Refused: every user of the machine can read the arguments of a program')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--client-file', '--client-file', [CompletionResultType]::ParameterName, 'The provider''s file with the client, such as Google''s client_secret.json')
            [CompletionResult]::new('--client-metadata-url', '--client-metadata-url', [CompletionResultType]::ParameterName, 'The URL of a client ID metadata document')
            [CompletionResult]::new('--registration', '--registration', [CompletionResultType]::ParameterName, 'How to become a client')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'A fixed port to listen on [default: any free one]')
            [CompletionResult]::new('--redirect-host', '--redirect-host', [CompletionResultType]::ParameterName, 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]')
            [CompletionResult]::new('--redirect-path', '--redirect-path', [CompletionResultType]::ParameterName, 'The path of the redirect URI [default: /callback]')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'The whole redirect URI as you registered it')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--login-hint', '--login-hint', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Log in at this authorization server')
            [CompletionResult]::new('--authorization-endpoint', '--authorization-endpoint', [CompletionResultType]::ParameterName, 'Log in at this authorization endpoint; requires --token-endpoint')
            [CompletionResult]::new('--token-endpoint', '--token-endpoint', [CompletionResultType]::ParameterName, 'Get the tokens from this token endpoint; requires --authorization-endpoint')
            [CompletionResult]::new('--issuer-metadata', '--issuer-metadata', [CompletionResultType]::ParameterName, 'Read the metadata of the authorization server at this URL, whatever issuer it is for')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'The resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'A further parameter of the authorization request; may be repeated')
            [CompletionResult]::new('--challenge', '--challenge', [CompletionResultType]::ParameterName, 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones')
            [CompletionResult]::new('--credentials-dir', '--credentials-dir', [CompletionResultType]::ParameterName, 'The directory of workspace-mcp''s credentials files')
            [CompletionResult]::new('--hermes-home', '--hermes-home', [CompletionResultType]::ParameterName, 'The home directory of Hermes, or of one of its profiles')
            [CompletionResult]::new('--fastmcp-dir', '--fastmcp-dir', [CompletionResultType]::ParameterName, 'The directory of a FastMCP application''s FileTreeStore')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Log in to all servers of your MCP clients that need a login')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'Log in with a code that you enter in any browser, also on another device')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Log in again even if a live login is stored')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'With --handover: write into the client''s files without asking')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Open no browser, only print the address')
            [CompletionResult]::new('--no-clipboard', '--no-clipboard', [CompletionResultType]::ParameterName, 'Do not put the address into the clipboard of the terminal')
            [CompletionResult]::new('--paste', '--paste', [CompletionResultType]::ParameterName, 'Read pasted addresses from stdin, even if it is not a terminal')
            [CompletionResult]::new('--no-paste', '--no-paste', [CompletionResultType]::ParameterName, 'Never read stdin')
            [CompletionResult]::new('--read-only', '--read-only', [CompletionResultType]::ParameterName, 'Only let the tools read')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'Name no resource in the requests')
            [CompletionResult]::new('--assume-pkce', '--assume-pkce', [CompletionResultType]::ParameterName, 'Go on even if the server does not say that it supports PKCE')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in; also what `mcp-login SERVER` does')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'List the logins')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the logins')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the logins')
            [CompletionResult]::new('whoami', 'whoami', [CompletionResultType]::ParameterValue, 'Show the account of a login')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Print a live access token, refreshed if necessary')
            [CompletionResult]::new('headers', 'headers', [CompletionResultType]::ParameterValue, 'Print {"Authorization":"Bearer ..."}, for an MCP client')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a command with a live access token in its environment')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Serve an MCP server on stdin and stdout, with a live token')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh the access token now')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Revoke the tokens and remove the login')
            [CompletionResult]::new('handover', 'handover', [CompletionResultType]::ParameterValue, 'Set up an MCP client to use a login')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Ask a server for its tools: does the login really work?')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out what works on this machine, and why a login would fail')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'List the providers with built-in settings, for --provider')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'See a whole login, to a server that runs just for it')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcp-login;login' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Look up names in this client''s configuration only')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this long: 90s, 10m, 1h [default: 10m; with --device as long as the code is valid, at most 30m]')
            [CompletionResult]::new('--handover', '--handover', [CompletionResultType]::ParameterName, 'Hand the login over to this client afterwards; see `mcp-login handover --list` [default: the client that names the server]')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open this browser; %s stands for the address')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Use the built-in settings for this provider; `mcp-login providers` lists them')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'The tenant, where no MCP server names it: with --provider entra')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'The tools that the login is for, such as gmail,drive: with --provider google')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'A client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-secret', '--client-secret', [CompletionResultType]::ParameterName, 'Refused: every user of the machine can read the arguments of a program')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--client-file', '--client-file', [CompletionResultType]::ParameterName, 'The provider''s file with the client, such as Google''s client_secret.json')
            [CompletionResult]::new('--client-metadata-url', '--client-metadata-url', [CompletionResultType]::ParameterName, 'The URL of a client ID metadata document')
            [CompletionResult]::new('--registration', '--registration', [CompletionResultType]::ParameterName, 'How to become a client')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'A fixed port to listen on [default: any free one]')
            [CompletionResult]::new('--redirect-host', '--redirect-host', [CompletionResultType]::ParameterName, 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]')
            [CompletionResult]::new('--redirect-path', '--redirect-path', [CompletionResultType]::ParameterName, 'The path of the redirect URI [default: /callback]')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'The whole redirect URI as you registered it')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--login-hint', '--login-hint', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Log in at this authorization server')
            [CompletionResult]::new('--authorization-endpoint', '--authorization-endpoint', [CompletionResultType]::ParameterName, 'Log in at this authorization endpoint; requires --token-endpoint')
            [CompletionResult]::new('--token-endpoint', '--token-endpoint', [CompletionResultType]::ParameterName, 'Get the tokens from this token endpoint; requires --authorization-endpoint')
            [CompletionResult]::new('--issuer-metadata', '--issuer-metadata', [CompletionResultType]::ParameterName, 'Read the metadata of the authorization server at this URL, whatever issuer it is for')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'The resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'A further parameter of the authorization request; may be repeated')
            [CompletionResult]::new('--challenge', '--challenge', [CompletionResultType]::ParameterName, 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones')
            [CompletionResult]::new('--credentials-dir', '--credentials-dir', [CompletionResultType]::ParameterName, 'The directory of workspace-mcp''s credentials files')
            [CompletionResult]::new('--hermes-home', '--hermes-home', [CompletionResultType]::ParameterName, 'The home directory of Hermes, or of one of its profiles')
            [CompletionResult]::new('--fastmcp-dir', '--fastmcp-dir', [CompletionResultType]::ParameterName, 'The directory of a FastMCP application''s FileTreeStore')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Log in to all servers of your MCP clients that need a login')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'Log in with a code that you enter in any browser, also on another device')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Log in again even if a live login is stored')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'With --handover: write into the client''s files without asking')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Open no browser, only print the address')
            [CompletionResult]::new('--no-clipboard', '--no-clipboard', [CompletionResultType]::ParameterName, 'Do not put the address into the clipboard of the terminal')
            [CompletionResult]::new('--paste', '--paste', [CompletionResultType]::ParameterName, 'Read pasted addresses from stdin, even if it is not a terminal')
            [CompletionResult]::new('--no-paste', '--no-paste', [CompletionResultType]::ParameterName, 'Never read stdin')
            [CompletionResult]::new('--read-only', '--read-only', [CompletionResultType]::ParameterName, 'Only let the tools read')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'Name no resource in the requests')
            [CompletionResult]::new('--assume-pkce', '--assume-pkce', [CompletionResultType]::ParameterName, 'Go on even if the server does not say that it supports PKCE')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;status' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The servers in this client''s configuration; exit status 3 if one of them needs a login')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;list' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The servers in this client''s configuration; exit status 3 if one of them needs a login')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;ls' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The servers in this client''s configuration; exit status 3 if one of them needs a login')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;whoami' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The servers in this client''s configuration; exit status 3 if one of them needs a login')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;token' {
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Refresh if the token expires sooner than this; 0 to use it until it expires')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'With --grant: the authorization server; no other one is sent anything')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'With --grant: a client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'With --grant: a scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'With --grant: the resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--refresh', '--refresh', [CompletionResultType]::ParameterName, 'Refresh in any case, once')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'With --grant: name no resource in the requests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;headers' {
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Refresh if the token expires sooner than this; 0 to use it until it expires')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'With --grant: the authorization server; no other one is sent anything')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'With --grant: a client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'With --grant: a scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'With --grant: the resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--refresh', '--refresh', [CompletionResultType]::ParameterName, 'Refresh in any case, once')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'With --grant: name no resource in the requests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;exec' {
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'The variable that holds the token')
            [CompletionResult]::new('--min-ttl', '--min-ttl', [CompletionResultType]::ParameterName, 'Refresh if the token expires sooner than this; 0 to use it until it expires')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'With --grant: the authorization server; no other one is sent anything')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'With --grant: a client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'With --grant: a scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'With --grant: the resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--refresh', '--refresh', [CompletionResultType]::ParameterName, 'Refresh in any case, once')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'With --grant: name no resource in the requests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;connect' {
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'With --grant: the authorization server; no other one is sent anything')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'With --grant: a client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'With --grant: a scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'With --grant: the resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Open the browser once if a login is needed')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'With --grant: name no resource in the requests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;refresh' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;logout' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All logins; with --profile, all of that profile')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'With --all: also remove every file of mcp-login, such as registrations, locks and the list of logins')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;handover' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The client that gets the login')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who has the refresh token afterwards [default: what suits the client]')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The server''s name in the client''s configuration [default: the name that it has there]')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'The variable that holds the token, for dotenv and github-actions')
            [CompletionResult]::new('--credentials-dir', '--credentials-dir', [CompletionResultType]::ParameterName, 'The directory of workspace-mcp''s credentials files')
            [CompletionResult]::new('--hermes-home', '--hermes-home', [CompletionResultType]::ParameterName, 'The home directory of Hermes, or of one of its profiles')
            [CompletionResult]::new('--fastmcp-dir', '--fastmcp-dir', [CompletionResultType]::ParameterName, 'The directory of a FastMCP application''s FileTreeStore')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the clients')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Write into the client''s files without asking')
            [CompletionResult]::new('--undo', '--undo', [CompletionResultType]::ParameterName, 'Take a setting that was written out of the client''s configuration, and put back what was there')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;check' {
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'With --grant: the authorization server; no other one is sent anything')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'With --grant: a client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'With --grant: a scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'With --grant: the resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'With --grant: name no resource in the requests')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;doctor' {
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open this browser; %s stands for the address')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Use the built-in settings for this provider; `mcp-login providers` lists them')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'The tenant, where no MCP server names it: with --provider entra')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'The tools that the login is for, such as gmail,drive: with --provider google')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'A client identifier that you registered by hand')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET')
            [CompletionResult]::new('--client-secret', '--client-secret', [CompletionResultType]::ParameterName, 'Refused: every user of the machine can read the arguments of a program')
            [CompletionResult]::new('--client-key-file', '--client-key-file', [CompletionResultType]::ParameterName, 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe')
            [CompletionResult]::new('--client-key-id', '--client-key-id', [CompletionResultType]::ParameterName, 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]')
            [CompletionResult]::new('--client-key-alg', '--client-key-alg', [CompletionResultType]::ParameterName, 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]')
            [CompletionResult]::new('--client-key-audience', '--client-key-audience', [CompletionResultType]::ParameterName, 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer')
            [CompletionResult]::new('--client-key-typ', '--client-key-typ', [CompletionResultType]::ParameterName, 'The type in the header of the assertions; JWT for older authorization servers')
            [CompletionResult]::new('--client-file', '--client-file', [CompletionResultType]::ParameterName, 'The provider''s file with the client, such as Google''s client_secret.json')
            [CompletionResult]::new('--client-metadata-url', '--client-metadata-url', [CompletionResultType]::ParameterName, 'The URL of a client ID metadata document')
            [CompletionResult]::new('--registration', '--registration', [CompletionResultType]::ParameterName, 'How to become a client')
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How the authorization server grants the tokens')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'A fixed port to listen on [default: any free one]')
            [CompletionResult]::new('--redirect-host', '--redirect-host', [CompletionResultType]::ParameterName, 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]')
            [CompletionResult]::new('--redirect-path', '--redirect-path', [CompletionResultType]::ParameterName, 'The path of the redirect URI [default: /callback]')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'The whole redirect URI as you registered it')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A scope to ask for; may be repeated [default: what the server wants]')
            [CompletionResult]::new('--login-hint', '--login-hint', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'The account that the provider should offer')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Log in at this authorization server')
            [CompletionResult]::new('--authorization-endpoint', '--authorization-endpoint', [CompletionResultType]::ParameterName, 'Log in at this authorization endpoint; requires --token-endpoint')
            [CompletionResult]::new('--token-endpoint', '--token-endpoint', [CompletionResultType]::ParameterName, 'Get the tokens from this token endpoint; requires --authorization-endpoint')
            [CompletionResult]::new('--issuer-metadata', '--issuer-metadata', [CompletionResultType]::ParameterName, 'Read the metadata of the authorization server at this URL, whatever issuer it is for')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'The resource to name in the requests, if the server''s own is wrong')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'A further parameter of the authorization request; may be repeated')
            [CompletionResult]::new('--challenge', '--challenge', [CompletionResultType]::ParameterName, 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Open no browser, only print the address')
            [CompletionResult]::new('--no-clipboard', '--no-clipboard', [CompletionResultType]::ParameterName, 'Do not put the address into the clipboard of the terminal')
            [CompletionResult]::new('--paste', '--paste', [CompletionResultType]::ParameterName, 'Read pasted addresses from stdin, even if it is not a terminal')
            [CompletionResult]::new('--no-paste', '--no-paste', [CompletionResultType]::ParameterName, 'Never read stdin')
            [CompletionResult]::new('--read-only', '--read-only', [CompletionResultType]::ParameterName, 'Only let the tools read')
            [CompletionResult]::new('--no-resource', '--no-resource', [CompletionResultType]::ParameterName, 'Name no resource in the requests')
            [CompletionResult]::new('--assume-pkce', '--assume-pkce', [CompletionResultType]::ParameterName, 'Go on even if the server does not say that it supports PKCE')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;providers' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;demo' {
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open this browser; %s stands for the address')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up after this long: 90s, 10m, 1h')
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--auto', '--auto', [CompletionResultType]::ParameterName, 'Let the demo agree by itself, without your browser')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;completion' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;version' {
            [CompletionResult]::new('--store', '--store', [CompletionResultType]::ParameterName, 'Where logins are stored')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Keep several accounts for one server apart [default: default]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the certificate authorities in this PEM file too')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colors')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The directory for everything that mcp-login stores')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per line on stdout')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and what you have to see')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print each request and its response')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'mcp-login;help' {
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in; also what `mcp-login SERVER` does')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'List the logins')
            [CompletionResult]::new('whoami', 'whoami', [CompletionResultType]::ParameterValue, 'Show the account of a login')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Print a live access token, refreshed if necessary')
            [CompletionResult]::new('headers', 'headers', [CompletionResultType]::ParameterValue, 'Print {"Authorization":"Bearer ..."}, for an MCP client')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a command with a live access token in its environment')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Serve an MCP server on stdin and stdout, with a live token')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Refresh the access token now')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Revoke the tokens and remove the login')
            [CompletionResult]::new('handover', 'handover', [CompletionResultType]::ParameterValue, 'Set up an MCP client to use a login')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Ask a server for its tools: does the login really work?')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out what works on this machine, and why a login would fail')
            [CompletionResult]::new('providers', 'providers', [CompletionResultType]::ParameterValue, 'List the providers with built-in settings, for --provider')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'See a whole login, to a server that runs just for it')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'mcp-login;help;login' {
            break
        }
        'mcp-login;help;status' {
            break
        }
        'mcp-login;help;whoami' {
            break
        }
        'mcp-login;help;token' {
            break
        }
        'mcp-login;help;headers' {
            break
        }
        'mcp-login;help;exec' {
            break
        }
        'mcp-login;help;connect' {
            break
        }
        'mcp-login;help;refresh' {
            break
        }
        'mcp-login;help;logout' {
            break
        }
        'mcp-login;help;handover' {
            break
        }
        'mcp-login;help;check' {
            break
        }
        'mcp-login;help;doctor' {
            break
        }
        'mcp-login;help;providers' {
            break
        }
        'mcp-login;help;demo' {
            break
        }
        'mcp-login;help;completion' {
            break
        }
        'mcp-login;help;version' {
            break
        }
        'mcp-login;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
