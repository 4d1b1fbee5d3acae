
use builtin;
use str;

set edit:completion:arg-completer[mcp-login] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'mcp-login'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'mcp-login'= {
            cand --from 'Take names from this client''s configuration only'
            cand --browser 'Open this browser; %s stands for the address'
            cand --timeout 'How long to wait for all of it: 90s, 10m, 1h'
            cand --login-hint 'The account that the provider should offer'
            cand --handover 'Give the login to this client afterwards; see `mcp-login handover --list`'
            cand --credentials-dir 'The directory of workspace-mcp''s credentials files'
            cand --hermes-home 'The home directory of Hermes, or of one of its profiles'
            cand --fastmcp-dir 'The directory of a FastMCP application''s FileTreeStore'
            cand --client-id 'A client identifier that you registered by hand'
            cand --client-secret-file 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET'
            cand --client-secret 'Refused: every user of the machine can read the arguments of a program'
            cand --client-file 'The client in a file of the provider''s, such as Google''s client_secret.json'
            cand --client-metadata-url 'The URL of a client ID metadata document'
            cand --registration 'How to become a client'
            cand --port 'A fixed port to listen on [default: any free one]'
            cand --redirect-host 'The host of the redirect URI; with localhost both 127.0.0.1 and ::1 are held'
            cand --redirect-path 'The path of the redirect URI'
            cand --redirect-uri 'The whole redirect URI as you registered it'
            cand --scope 'A scope to ask for; may be repeated [default: what the server wants]'
            cand --issuer 'Log in at this authorization server'
            cand --resource 'The resource to name in the requests, if the server''s own is wrong'
            cand --param 'A further parameter of the authorization request; may be repeated'
            cand --challenge 'The WWW-Authenticate value that a client just received: its scopes join those asked for before'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --all 'Log in to every server that your MCP clients name and that wants a login'
            cand --no-browser 'Open no browser, only print the address'
            cand --paste 'Read pasted answers from stdin, even if it is no terminal'
            cand --no-paste 'Never read stdin'
            cand --force 'Log in again though a live login is stored'
            cand --no-resource 'Name no resource in the requests'
            cand --assume-pkce 'Go on though the server does not say that it supports PKCE'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand login 'Log in: the same as without a command, for servers called like one'
            cand token 'Print a live access token, refreshed if it is due'
            cand headers 'Print {"Authorization":"Bearer ..."}: for headersHelper and http_headers_helper'
            cand exec 'Run a command with a live access token in its environment'
            cand status 'What is logged in, with which scopes, until when, kept where'
            cand logout 'Give the tokens back to the authorization server, and forget them'
            cand handover 'Give a login to an MCP client, in the way that the client documents'
            cand check 'Ask a server for its tools with the stored login: does it really work?'
            cand doctor 'Say what works on this machine, and why a login would fail'
            cand demo 'See a whole login, against a protected MCP server that runs just for it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcp-login;login'= {
            cand --from 'Take names from this client''s configuration only'
            cand --browser 'Open this browser; %s stands for the address'
            cand --timeout 'How long to wait for all of it: 90s, 10m, 1h'
            cand --login-hint 'The account that the provider should offer'
            cand --handover 'Give the login to this client afterwards; see `mcp-login handover --list`'
            cand --credentials-dir 'The directory of workspace-mcp''s credentials files'
            cand --hermes-home 'The home directory of Hermes, or of one of its profiles'
            cand --fastmcp-dir 'The directory of a FastMCP application''s FileTreeStore'
            cand --client-id 'A client identifier that you registered by hand'
            cand --client-secret-file 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET'
            cand --client-secret 'Refused: every user of the machine can read the arguments of a program'
            cand --client-file 'The client in a file of the provider''s, such as Google''s client_secret.json'
            cand --client-metadata-url 'The URL of a client ID metadata document'
            cand --registration 'How to become a client'
            cand --port 'A fixed port to listen on [default: any free one]'
            cand --redirect-host 'The host of the redirect URI; with localhost both 127.0.0.1 and ::1 are held'
            cand --redirect-path 'The path of the redirect URI'
            cand --redirect-uri 'The whole redirect URI as you registered it'
            cand --scope 'A scope to ask for; may be repeated [default: what the server wants]'
            cand --issuer 'Log in at this authorization server'
            cand --resource 'The resource to name in the requests, if the server''s own is wrong'
            cand --param 'A further parameter of the authorization request; may be repeated'
            cand --challenge 'The WWW-Authenticate value that a client just received: its scopes join those asked for before'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --all 'Log in to every server that your MCP clients name and that wants a login'
            cand --no-browser 'Open no browser, only print the address'
            cand --paste 'Read pasted answers from stdin, even if it is no terminal'
            cand --no-paste 'Never read stdin'
            cand --force 'Log in again though a live login is stored'
            cand --no-resource 'Name no resource in the requests'
            cand --assume-pkce 'Go on though the server does not say that it supports PKCE'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;token'= {
            cand --min-ttl 'Refresh when less than this is left'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --refresh 'Refresh in any case, once'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;headers'= {
            cand --min-ttl 'Refresh when less than this is left'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --refresh 'Refresh in any case, once'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;exec'= {
            cand --env 'The variable that holds the token'
            cand --min-ttl 'Refresh when less than this is left'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --refresh 'Refresh in any case, once'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;status'= {
            cand --from 'The servers that this client''s configuration names; exit status 3 if one of them needs a login'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;logout'= {
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --all 'All logins there are; with --profile, all of that profile'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;handover'= {
            cand --to 'The client that gets the login'
            cand --mode 'Who has the refresh token afterwards [default: what serves the client]'
            cand --name 'The server''s name in the client''s configuration [default: the name that stands there]'
            cand --env 'The variable that holds the token, for dotenv and github-actions'
            cand --credentials-dir 'The directory of workspace-mcp''s credentials files'
            cand --hermes-home 'The home directory of Hermes, or of one of its profiles'
            cand --fastmcp-dir 'The directory of a FastMCP application''s FileTreeStore'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --list 'List the clients'
            cand --write 'Write the setting into the client''s configuration, in place of printing it'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;check'= {
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;doctor'= {
            cand --browser 'As for a login with this browser'
            cand --client-id 'A client identifier that you registered by hand'
            cand --client-secret-file 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET'
            cand --client-secret 'Refused: every user of the machine can read the arguments of a program'
            cand --client-file 'The client in a file of the provider''s, such as Google''s client_secret.json'
            cand --client-metadata-url 'The URL of a client ID metadata document'
            cand --registration 'How to become a client'
            cand --port 'A fixed port to listen on [default: any free one]'
            cand --redirect-host 'The host of the redirect URI; with localhost both 127.0.0.1 and ::1 are held'
            cand --redirect-path 'The path of the redirect URI'
            cand --redirect-uri 'The whole redirect URI as you registered it'
            cand --scope 'A scope to ask for; may be repeated [default: what the server wants]'
            cand --issuer 'Log in at this authorization server'
            cand --resource 'The resource to name in the requests, if the server''s own is wrong'
            cand --param 'A further parameter of the authorization request; may be repeated'
            cand --challenge 'The WWW-Authenticate value that a client just received: its scopes join those asked for before'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --no-browser 'As for a login without a browser'
            cand --paste 'As for a login that reads pasted answers from stdin'
            cand --no-paste 'As for a login that never reads stdin'
            cand --no-resource 'Name no resource in the requests'
            cand --assume-pkce 'Go on though the server does not say that it supports PKCE'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;demo'= {
            cand --browser 'Open this browser; %s stands for the address'
            cand --timeout 'How long to wait for your answer: 90s, 10m, 1h'
            cand --store 'Where logins are kept: auto, keyring, file or file:PATH'
            cand --profile 'Which of several accounts on one server [default: default]'
            cand --ca-file 'Trust the certificate authorities in this PEM file too'
            cand --color 'When to use colours'
            cand --data-dir 'The directory of everything that is kept'
            cand --auto 'Let the demo agree by itself, without your browser'
            cand --json 'Print machine-readable output on stdout: one JSON object a line'
            cand -q 'Say less: only errors, and what you have to see'
            cand --quiet 'Say less: only errors, and what you have to see'
            cand -v 'Say more: each request and its answer'
            cand --verbose 'Say more: each request and its answer'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'mcp-login;help'= {
            cand login 'Log in: the same as without a command, for servers called like one'
            cand token 'Print a live access token, refreshed if it is due'
            cand headers 'Print {"Authorization":"Bearer ..."}: for headersHelper and http_headers_helper'
            cand exec 'Run a command with a live access token in its environment'
            cand status 'What is logged in, with which scopes, until when, kept where'
            cand logout 'Give the tokens back to the authorization server, and forget them'
            cand handover 'Give a login to an MCP client, in the way that the client documents'
            cand check 'Ask a server for its tools with the stored login: does it really work?'
            cand doctor 'Say what works on this machine, and why a login would fail'
            cand demo 'See a whole login, against a protected MCP server that runs just for it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'mcp-login;help;login'= {
        }
        &'mcp-login;help;token'= {
        }
        &'mcp-login;help;headers'= {
        }
        &'mcp-login;help;exec'= {
        }
        &'mcp-login;help;status'= {
        }
        &'mcp-login;help;logout'= {
        }
        &'mcp-login;help;handover'= {
        }
        &'mcp-login;help;check'= {
        }
        &'mcp-login;help;doctor'= {
        }
        &'mcp-login;help;demo'= {
        }
        &'mcp-login;help;help'= {
        }
    ]
    $completions[$command]
}
