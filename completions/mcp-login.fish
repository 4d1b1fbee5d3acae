# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mcp_login_global_optspecs
    string join \n all from= device no-qr timeout= force handover= write no-browser no-clipboard browser= paste no-paste provider= tenant= tools= read-only client-id= client-secret-file= client-secret= client-key-file= client-key= client-key-id= client-key-alg= client-key-audience= client-key-typ= client-file= client-metadata-url= registration= grant= assertion-file= assertion-env= assertion-command= assertion= assertion-audience= idp= id-token-file= idp-client-id= port= redirect-host= redirect-path= redirect-uri= scope= login-hint= issuer= authorization-endpoint= token-endpoint= issuer-metadata= dpop resource= no-resource param= challenge= assume-pkce credentials-dir= hermes-home= fastmcp-dir= store= profile= json q/quiet v/verbose ca-file= color= data-dir= h/help V/version
end

function __fish_mcp_login_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mcp_login_global_optspecs) -- $cmd 2>/dev/null
    or return 0
    if set -q argv[1]; and contains -- $argv[1] login status list ls whoami token headers exec connect refresh logout handover check doctor providers demo completion version help
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mcp_login_using_subcommand
    set -l cmd (__fish_mcp_login_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mcp-login -n "__fish_mcp_login_needs_command" -l from -d 'Look up names in this client\'s configuration only' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l timeout -d 'Give up after this long: 90s, 10m, 1h [default: 10m; with --device as long as the code is valid, at most 30m]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l handover -d 'Let a client use the login afterwards' -r -f -a "workspace-mcp\t'gets the whole login, in its credentials directory; Google lets both refresh it'
claude-code\t'runs `mcp-login headers` as its headersHelper'
codex\t'runs `mcp-login headers` as its http_headers_helper'
hermes\t'gets the login in its mcp-tokens files, and refreshes it by itself'
mcp-remote\t'gets the login in ~/.mcp-auth, and refreshes it itself'
gemini-cli\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
opencode\t'gets the login in its mcp-auth.json, and refreshes it itself'
mcporter\t'takes the login by `mcporter vault set`, and refreshes it itself'
cline\t'gets the login in its cline_mcp_settings.json, and refreshes it itself'
fastmcp\t'gets the login in the FileTreeStore of an application, named by --fastmcp-dir'
qwen-code\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
kilo\t'gets the login in its mcp-auth.json, and refreshes it itself'
crush\t'runs `mcp-login token` for its Authorization header'
cursor\t'starts `mcp-login connect` as its MCP server'
vscode\t'starts `mcp-login connect` as its MCP server'
windsurf\t'starts `mcp-login connect` as its MCP server'
claude-desktop\t'starts `mcp-login connect` as its MCP server'
copilot\t'starts `mcp-login connect` as its MCP server'
goose\t'starts `mcp-login connect` as its MCP server'
zed\t'starts `mcp-login connect` as its MCP server'
lm-studio\t'starts `mcp-login connect` as its MCP server'
qoder\t'starts `mcp-login connect` as its MCP server'
kimi-code\t'starts `mcp-login connect` as its MCP server'
droid\t'starts `mcp-login connect` as its MCP server'
auggie\t'starts `mcp-login connect` as its MCP server'
amp\t'starts `mcp-login connect` as its MCP server'
vibe\t'starts `mcp-login connect` as its MCP server'
continue\t'starts `mcp-login connect` as its MCP server'
openhands\t'starts `mcp-login connect` as its MCP server'
inspector\t'starts `mcp-login connect` as its MCP server'
any\t'prints the setting that starts `mcp-login connect`, for a client that is not listed'
google-adc\t'writes Application Default Credentials, for Google\'s libraries and tools'
dotenv\t'prints NAME=\'access token\' for a .env file'
github-actions\t'masks the access token in the log and sets it for all later steps'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l browser -d 'Open this browser; %s stands for the address' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l provider -d 'Use the built-in settings for this provider; `mcp-login providers` lists them' -r -f -a "google\t'Google'
github\t'GitHub'
entra\t'Microsoft Entra ID'
slack\t'Slack'
okta\t'Okta'
auth0\t'Auth0'
gitlab\t'GitLab'
atlassian\t'Atlassian'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l tenant -d 'The tenant, where no MCP server names it: with --provider entra' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l tools -d 'The tools that the login is for, such as gmail,drive: with --provider google' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-id -d 'A client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-secret-file -d 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-file -d 'The provider\'s file with the client, such as Google\'s client_secret.json' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l client-metadata-url -d 'The URL of a client ID metadata document' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l registration -d 'How to become a client' -r -f -a "auto\t'The given client, else the metadata document if the server supports it, else dynamic registration'
static\t'The given client'
cimd\t'The client ID metadata document'
dcr\t'Dynamic client registration'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l port -d 'A fixed port to listen on [default: any free one]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l redirect-host -d 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]' -r -f -a "127.0.0.1\t'The literal address, as RFC 8252 recommends'
localhost\t'The name, which listens on both loopback addresses'
[::1]\t'The literal IPv6 address'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l redirect-path -d 'The path of the redirect URI [default: /callback]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l redirect-uri -d 'The whole redirect URI as you registered it' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l scope -d 'A scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l login-hint -l email -d 'The account that the provider should offer' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l issuer -d 'Log in at this authorization server' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l authorization-endpoint -d 'Log in at this authorization endpoint; requires --token-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l token-endpoint -d 'Get the tokens from this token endpoint; requires --authorization-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l issuer-metadata -d 'Read the metadata of the authorization server at this URL, whatever issuer it is for' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l resource -d 'The resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l param -d 'A further parameter of the authorization request; may be repeated' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l challenge -d 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l credentials-dir -d 'The directory of workspace-mcp\'s credentials files' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l hermes-home -d 'The home directory of Hermes, or of one of its profiles' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l fastmcp-dir -d 'The directory of a FastMCP application\'s FileTreeStore' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l all -d 'Log in to all servers of your MCP clients'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l device -d 'Log in with a code that you enter in any browser'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l no-qr -d 'With --device: do not draw the address of the page as a QR code'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l force -d 'Log in again even if a live login is stored'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l write -d 'With --handover: write without asking'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l no-browser -d 'Open no browser, only print the address'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l no-clipboard -d 'Do not put the address into the clipboard of the terminal'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l paste -d 'Read pasted addresses from stdin, even if it is not a terminal'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l no-paste -d 'Never read stdin'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l read-only -d 'Only let the tools read'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l dpop -d 'Ask for tokens that are bound to a key of this login (DPoP)'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l no-resource -d 'Name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l assume-pkce -d 'Go on even if the server does not say that it supports PKCE'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -s V -l version -d 'Print version'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "login" -d 'Log in; also what `mcp-login SERVER` does'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "status" -d 'List the logins'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "list" -d 'List the logins'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "ls" -d 'List the logins'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "whoami" -d 'Show the account of a login'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "token" -d 'Print a live access token, refreshed if necessary'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "headers" -d 'Print {"Authorization":"Bearer ..."}, for an MCP client'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "exec" -d 'Run a command with a live access token in its environment'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "connect" -d 'Serve an MCP server on stdin and stdout, with a live token'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "refresh" -d 'Refresh the access token now'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "logout" -d 'Revoke the tokens and remove the login'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "handover" -d 'Set up an MCP client to use a login'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "check" -d 'Ask a server for its tools: does the login really work?'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "doctor" -d 'Find out what works on this machine, and why a login would fail'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "providers" -d 'List the providers with built-in settings, for --provider'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "demo" -d 'See a whole login, to a server that runs just for it'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "completion" -d 'Print the completion script for a shell'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "version" -d 'Print the version'
complete -c mcp-login -n "__fish_mcp_login_needs_command" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l from -d 'Look up names in this client\'s configuration only' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l timeout -d 'Give up after this long: 90s, 10m, 1h [default: 10m; with --device as long as the code is valid, at most 30m]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l handover -d 'Let a client use the login afterwards' -r -f -a "workspace-mcp\t'gets the whole login, in its credentials directory; Google lets both refresh it'
claude-code\t'runs `mcp-login headers` as its headersHelper'
codex\t'runs `mcp-login headers` as its http_headers_helper'
hermes\t'gets the login in its mcp-tokens files, and refreshes it by itself'
mcp-remote\t'gets the login in ~/.mcp-auth, and refreshes it itself'
gemini-cli\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
opencode\t'gets the login in its mcp-auth.json, and refreshes it itself'
mcporter\t'takes the login by `mcporter vault set`, and refreshes it itself'
cline\t'gets the login in its cline_mcp_settings.json, and refreshes it itself'
fastmcp\t'gets the login in the FileTreeStore of an application, named by --fastmcp-dir'
qwen-code\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
kilo\t'gets the login in its mcp-auth.json, and refreshes it itself'
crush\t'runs `mcp-login token` for its Authorization header'
cursor\t'starts `mcp-login connect` as its MCP server'
vscode\t'starts `mcp-login connect` as its MCP server'
windsurf\t'starts `mcp-login connect` as its MCP server'
claude-desktop\t'starts `mcp-login connect` as its MCP server'
copilot\t'starts `mcp-login connect` as its MCP server'
goose\t'starts `mcp-login connect` as its MCP server'
zed\t'starts `mcp-login connect` as its MCP server'
lm-studio\t'starts `mcp-login connect` as its MCP server'
qoder\t'starts `mcp-login connect` as its MCP server'
kimi-code\t'starts `mcp-login connect` as its MCP server'
droid\t'starts `mcp-login connect` as its MCP server'
auggie\t'starts `mcp-login connect` as its MCP server'
amp\t'starts `mcp-login connect` as its MCP server'
vibe\t'starts `mcp-login connect` as its MCP server'
continue\t'starts `mcp-login connect` as its MCP server'
openhands\t'starts `mcp-login connect` as its MCP server'
inspector\t'starts `mcp-login connect` as its MCP server'
any\t'prints the setting that starts `mcp-login connect`, for a client that is not listed'
google-adc\t'writes Application Default Credentials, for Google\'s libraries and tools'
dotenv\t'prints NAME=\'access token\' for a .env file'
github-actions\t'masks the access token in the log and sets it for all later steps'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l browser -d 'Open this browser; %s stands for the address' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l provider -d 'Use the built-in settings for this provider; `mcp-login providers` lists them' -r -f -a "google\t'Google'
github\t'GitHub'
entra\t'Microsoft Entra ID'
slack\t'Slack'
okta\t'Okta'
auth0\t'Auth0'
gitlab\t'GitLab'
atlassian\t'Atlassian'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l tenant -d 'The tenant, where no MCP server names it: with --provider entra' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l tools -d 'The tools that the login is for, such as gmail,drive: with --provider google' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-id -d 'A client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-secret-file -d 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-file -d 'The provider\'s file with the client, such as Google\'s client_secret.json' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l client-metadata-url -d 'The URL of a client ID metadata document' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l registration -d 'How to become a client' -r -f -a "auto\t'The given client, else the metadata document if the server supports it, else dynamic registration'
static\t'The given client'
cimd\t'The client ID metadata document'
dcr\t'Dynamic client registration'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l port -d 'A fixed port to listen on [default: any free one]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l redirect-host -d 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]' -r -f -a "127.0.0.1\t'The literal address, as RFC 8252 recommends'
localhost\t'The name, which listens on both loopback addresses'
[::1]\t'The literal IPv6 address'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l redirect-path -d 'The path of the redirect URI [default: /callback]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l redirect-uri -d 'The whole redirect URI as you registered it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l scope -d 'A scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l login-hint -l email -d 'The account that the provider should offer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l issuer -d 'Log in at this authorization server' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l authorization-endpoint -d 'Log in at this authorization endpoint; requires --token-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l token-endpoint -d 'Get the tokens from this token endpoint; requires --authorization-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l issuer-metadata -d 'Read the metadata of the authorization server at this URL, whatever issuer it is for' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l resource -d 'The resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l param -d 'A further parameter of the authorization request; may be repeated' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l challenge -d 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l credentials-dir -d 'The directory of workspace-mcp\'s credentials files' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l hermes-home -d 'The home directory of Hermes, or of one of its profiles' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l fastmcp-dir -d 'The directory of a FastMCP application\'s FileTreeStore' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l all -d 'Log in to all servers of your MCP clients'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l device -d 'Log in with a code that you enter in any browser'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l no-qr -d 'With --device: do not draw the address of the page as a QR code'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l force -d 'Log in again even if a live login is stored'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l write -d 'With --handover: write without asking'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l no-browser -d 'Open no browser, only print the address'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l no-clipboard -d 'Do not put the address into the clipboard of the terminal'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l paste -d 'Read pasted addresses from stdin, even if it is not a terminal'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l no-paste -d 'Never read stdin'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l read-only -d 'Only let the tools read'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l dpop -d 'Ask for tokens that are bound to a key of this login (DPoP)'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l no-resource -d 'Name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l assume-pkce -d 'Go on even if the server does not say that it supports PKCE'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l from -d 'The servers in this client\'s configuration; exit status 3 if one of them needs a login' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l from -d 'The servers in this client\'s configuration; exit status 3 if one of them needs a login' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l from -d 'The servers in this client\'s configuration; exit status 3 if one of them needs a login' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l from -d 'The servers in this client\'s configuration; exit status 3 if one of them needs a login' -r -f -a "claude-code\t''
codex\t''
gemini-cli\t''
opencode\t''
cursor\t''
vscode\t''
windsurf\t''
claude-desktop\t''
copilot\t''
hermes\t''
goose\t''
zed\t''
cline\t''
mcporter\t''
lm-studio\t''
qwen-code\t''
qoder\t''
kilo\t''
kimi-code\t''
droid\t''
auggie\t''
amp\t''
crush\t''
vibe\t''
continue\t''
openhands\t''
inspector\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l min-ttl -d 'Refresh if the token expires sooner than this; 0 to use it until it expires' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l issuer -d 'With --grant: the authorization server; no other one is sent anything' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-id -d 'With --grant: a client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-secret-file -d 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l scope -d 'With --grant: a scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l resource -d 'With --grant: the resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l refresh -d 'Refresh in any case, once'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l dpop -d 'With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l no-resource -d 'With --grant: name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l min-ttl -d 'Refresh if the token expires sooner than this; 0 to use it until it expires' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l issuer -d 'With --grant: the authorization server; no other one is sent anything' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-id -d 'With --grant: a client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-secret-file -d 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l scope -d 'With --grant: a scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l resource -d 'With --grant: the resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l method -d 'With --dpop: the method of the request that the proof is for, such as POST' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l url -d 'With --dpop: the URL of that request' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l challenge -d 'The WWW-Authenticate value that refused the last request: an invalid token is refreshed' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l dpop-nonce -d 'The DPoP-Nonce value of the last response' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l refresh -d 'Refresh in any case, once'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l dpop -d 'With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l no-resource -d 'With --grant: name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand headers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l min-ttl -d 'Refresh if the token expires sooner than this; 0 to use it until it expires' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l issuer -d 'With --grant: the authorization server; no other one is sent anything' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-id -d 'With --grant: a client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-secret-file -d 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l scope -d 'With --grant: a scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l resource -d 'With --grant: the resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l env -d 'The variable that holds the token' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l refresh -d 'Refresh in any case, once'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l dpop -d 'With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l no-resource -d 'With --grant: name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l issuer -d 'With --grant: the authorization server; no other one is sent anything' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-id -d 'With --grant: a client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-secret-file -d 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l scope -d 'With --grant: a scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l resource -d 'With --grant: the resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l login -d 'Open the browser once if a login is needed'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l dpop -d 'With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l no-resource -d 'With --grant: name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand refresh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l all -d 'All logins; with --profile, all of that profile'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l forget -d 'With --all: also take back what handover wrote, and remove every file of mcp-login, such as registrations and locks'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l to -d 'The client that gets the login' -r -f -a "workspace-mcp\t'gets the whole login, in its credentials directory; Google lets both refresh it'
claude-code\t'runs `mcp-login headers` as its headersHelper'
codex\t'runs `mcp-login headers` as its http_headers_helper'
hermes\t'gets the login in its mcp-tokens files, and refreshes it by itself'
mcp-remote\t'gets the login in ~/.mcp-auth, and refreshes it itself'
gemini-cli\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
opencode\t'gets the login in its mcp-auth.json, and refreshes it itself'
mcporter\t'takes the login by `mcporter vault set`, and refreshes it itself'
cline\t'gets the login in its cline_mcp_settings.json, and refreshes it itself'
fastmcp\t'gets the login in the FileTreeStore of an application, named by --fastmcp-dir'
qwen-code\t'gets the login in its mcp-oauth-tokens.json, and refreshes it itself'
kilo\t'gets the login in its mcp-auth.json, and refreshes it itself'
crush\t'runs `mcp-login token` for its Authorization header'
cursor\t'starts `mcp-login connect` as its MCP server'
vscode\t'starts `mcp-login connect` as its MCP server'
windsurf\t'starts `mcp-login connect` as its MCP server'
claude-desktop\t'starts `mcp-login connect` as its MCP server'
copilot\t'starts `mcp-login connect` as its MCP server'
goose\t'starts `mcp-login connect` as its MCP server'
zed\t'starts `mcp-login connect` as its MCP server'
lm-studio\t'starts `mcp-login connect` as its MCP server'
qoder\t'starts `mcp-login connect` as its MCP server'
kimi-code\t'starts `mcp-login connect` as its MCP server'
droid\t'starts `mcp-login connect` as its MCP server'
auggie\t'starts `mcp-login connect` as its MCP server'
amp\t'starts `mcp-login connect` as its MCP server'
vibe\t'starts `mcp-login connect` as its MCP server'
continue\t'starts `mcp-login connect` as its MCP server'
openhands\t'starts `mcp-login connect` as its MCP server'
inspector\t'starts `mcp-login connect` as its MCP server'
any\t'prints the setting that starts `mcp-login connect`, for a client that is not listed'
google-adc\t'writes Application Default Credentials, for Google\'s libraries and tools'
dotenv\t'prints NAME=\'access token\' for a .env file'
github-actions\t'masks the access token in the log and sets it for all later steps'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l mode -d 'Who has the refresh token afterwards [default: what suits the client]' -r -f -a "access\t'mcp-login: the client gets access tokens only'
move\t'The client: mcp-login keeps no token of the login'
copy\t'Both; only for Google, which never replaces a refresh token'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l name -d 'The server\'s name in the client\'s configuration [default: the name that it has there]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l env -d 'The variable that holds the token, for dotenv and github-actions' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l credentials-dir -d 'The directory of workspace-mcp\'s credentials files' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l hermes-home -d 'The home directory of Hermes, or of one of its profiles' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l fastmcp-dir -d 'The directory of a FastMCP application\'s FileTreeStore' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l list -d 'List the clients'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l write -d 'Write into the client\'s files without asking'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l undo -d 'Take out what --write wrote, and put back what was there'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand handover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l issuer -d 'With --grant: the authorization server; no other one is sent anything' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-id -d 'With --grant: a client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-secret-file -d 'With --grant: a file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l scope -d 'With --grant: a scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l resource -d 'With --grant: the resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l dpop -d 'With --grant: ask for a token that is bound to a key of this run (DPoP); headers prints a proof for one request too'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l no-resource -d 'With --grant: name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l browser -d 'Open this browser; %s stands for the address' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l provider -d 'Use the built-in settings for this provider; `mcp-login providers` lists them' -r -f -a "google\t'Google'
github\t'GitHub'
entra\t'Microsoft Entra ID'
slack\t'Slack'
okta\t'Okta'
auth0\t'Auth0'
gitlab\t'GitLab'
atlassian\t'Atlassian'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l tenant -d 'The tenant, where no MCP server names it: with --provider entra' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l tools -d 'The tools that the login is for, such as gmail,drive: with --provider google' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-id -d 'A client identifier that you registered by hand' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-secret-file -d 'A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-key-file -d 'A file with the private key that the client authenticates with: PEM or JWK, or a pipe' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-key-id -d 'The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-key-alg -d 'Sign with this algorithm, such as PS256 [default: one that the authorization server lists]' -r -f -a "ES256\t''
ES384\t''
EdDSA\t''
Ed25519\t''
PS256\t''
RS256\t''
PS384\t''
RS384\t''
PS512\t''
RS512\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-key-audience -d 'For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-key-typ -d 'The type in the header of the assertions; JWT for older authorization servers' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-file -d 'The provider\'s file with the client, such as Google\'s client_secret.json' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l client-metadata-url -d 'The URL of a client ID metadata document' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l registration -d 'How to become a client' -r -f -a "auto\t'The given client, else the metadata document if the server supports it, else dynamic registration'
static\t'The given client'
cimd\t'The client ID metadata document'
dcr\t'Dynamic client registration'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l grant -d 'How the authorization server grants the tokens' -r -f -a "auto\t'That of the stored login, else code'
code\t'A person agrees in a browser'
device\t'A person enters a code in any browser; the same as --device'
client-credentials\t'A client registered by hand, without a person'
jwt-bearer\t'A JWT that the platform gives to this workload'
id-jag\t'An identity assertion of the enterprise\'s provider, for a person who is logged in there'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assertion-file -d 'The file in which the platform puts a JWT for this workload; it is read anew for each request' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assertion-env -d 'The environment variable in which the platform puts the JWT; the command of exec does not inherit it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assertion-command -d 'The command that prints the JWT; it is run without a shell, for at most 8 s' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assertion -d 'The platform to ask for the JWT' -r -f -a "github-actions\t'GitHub Actions or Forgejo; the job needs `permissions: id-token: write`'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assertion-audience -d 'The audience of the JWT [default: the issuer]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l idp -d 'The issuer of the enterprise\'s identity provider, with --grant id-jag' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l id-token-file -d 'A file with an ID token of the provider, in place of a login there' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l idp-client-id -d 'The client that the ID token was issued to' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l port -d 'A fixed port to listen on [default: any free one]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l redirect-host -d 'The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]' -r -f -a "127.0.0.1\t'The literal address, as RFC 8252 recommends'
localhost\t'The name, which listens on both loopback addresses'
[::1]\t'The literal IPv6 address'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l redirect-path -d 'The path of the redirect URI [default: /callback]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l redirect-uri -d 'The whole redirect URI as you registered it' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l scope -d 'A scope to ask for; may be repeated [default: what the server wants]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l login-hint -l email -d 'The account that the provider should offer' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l issuer -d 'Log in at this authorization server' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l authorization-endpoint -d 'Log in at this authorization endpoint; requires --token-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l token-endpoint -d 'Get the tokens from this token endpoint; requires --authorization-endpoint' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l issuer-metadata -d 'Read the metadata of the authorization server at this URL, whatever issuer it is for' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l resource -d 'The resource to name in the requests, if the server\'s own is wrong' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l param -d 'A further parameter of the authorization request; may be repeated' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l challenge -d 'The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l no-browser -d 'Open no browser, only print the address'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l no-clipboard -d 'Do not put the address into the clipboard of the terminal'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l paste -d 'Read pasted addresses from stdin, even if it is not a terminal'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l no-paste -d 'Never read stdin'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l read-only -d 'Only let the tools read'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l dpop -d 'Ask for tokens that are bound to a key of this login (DPoP)'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l no-resource -d 'Name no resource in the requests'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l assume-pkce -d 'Go on even if the server does not say that it supports PKCE'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand providers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l browser -d 'Open this browser; %s stands for the address' -r -f -a "(__fish_complete_command)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l timeout -d 'Give up after this long: 90s, 10m, 1h' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l auto -d 'Let the demo agree by itself, without your browser'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l store -d 'Where logins are stored' -r -f -a "auto\t''
keyring\t''
file\t''
exec:\t''"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l profile -d 'Keep several accounts for one server apart [default: default]' -r -f
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l ca-file -d 'Trust the certificate authorities in this PEM file too' -r -F
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l color -d 'When to use colors' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l data-dir -d 'The directory for everything that mcp-login stores' -r -f -a "(__fish_complete_directories)"
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -l json -d 'Print one JSON object per line on stdout'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -s q -l quiet -d 'Print only errors and what you have to see'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -s v -l verbose -d 'Print each request and its response'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "login" -d 'Log in; also what `mcp-login SERVER` does'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "status" -d 'List the logins'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "whoami" -d 'Show the account of a login'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "token" -d 'Print a live access token, refreshed if necessary'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "headers" -d 'Print {"Authorization":"Bearer ..."}, for an MCP client'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "exec" -d 'Run a command with a live access token in its environment'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "connect" -d 'Serve an MCP server on stdin and stdout, with a live token'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "refresh" -d 'Refresh the access token now'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "logout" -d 'Revoke the tokens and remove the login'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "handover" -d 'Set up an MCP client to use a login'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "check" -d 'Ask a server for its tools: does the login really work?'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "doctor" -d 'Find out what works on this machine, and why a login would fail'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "providers" -d 'List the providers with built-in settings, for --provider'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "demo" -d 'See a whole login, to a server that runs just for it'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "completion" -d 'Print the completion script for a shell'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "version" -d 'Print the version'
complete -c mcp-login -n "__fish_mcp_login_using_subcommand help; and not __fish_seen_subcommand_from login status whoami token headers exec connect refresh logout handover check doctor providers demo completion version" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

function __fish_mcp_login_wants_server
    contains -- -- (commandline -opc)
    and return 1
    set -l first (__fish_mcp_login_needs_command)
    not contains -- "$first[1]" providers demo completion version help
end

complete -c mcp-login -n "__fish_mcp_login_using_subcommand completion" -f -a "bash zsh fish powershell elvish"
complete -c mcp-login -n __fish_mcp_login_wants_server -f -a "(mcp-login __complete servers)"
