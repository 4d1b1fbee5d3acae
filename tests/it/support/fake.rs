//! A fake of a protected MCP server and its authorization server, in one, on raw sockets.
//!
//! By itself it behaves well and checks what a real server would: PKCE, the redirect URI, the resource, codes used
//! once. A test gives it only its deviation: a function that may answer a request in another way.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

/// A request that the fake has seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// On which connection it came, from 1.
    pub connection: usize,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    /// Returns a parameter of the query or of a form.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let all = format!("{}&{}", self.query, self.body);
        let mut pairs = url::form_urlencoded::parse(all.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How the fake answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole response.
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// These bytes and nothing else, then the connection is closed.
    Raw(Vec<u8>),
    /// Nothing; the connection stays open until the fake ends.
    Hang,
    /// These bytes, and then these again and again after a pause, until the client has gone.
    Endless {
        head: Vec<u8>,
        again: Vec<u8>,
        pause: Duration,
    },
    /// What comes after a pause: for slow servers.
    #[allow(dead_code)] // for the measurements
    Slow(Duration, Box<Reply>),
    /// What a script writes, piece by piece.
    Pieces(Script),
}

/// Writes a response in pieces.
#[derive(Clone)]
pub struct Script(pub Arc<dyn Fn(&mut Pieces<'_>) + Send + Sync>);

impl std::fmt::Debug for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Script")
    }
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub fn text(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Full {
            status,
            headers: vec![("Content-Type".into(), kind.into())],
            body: body.into(),
        }
    }

    pub fn status(status: u16) -> Self {
        Self::text(status, "text/plain", "")
    }

    /// Returns a reply that a script writes.
    pub fn pieces(script: impl Fn(&mut Pieces<'_>) + Send + Sync + 'static) -> Self {
        Self::Pieces(Script(Arc::new(script)))
    }

    pub fn redirect(status: u16, target: &str) -> Self {
        Self::status(status).with("Location", target)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

pub type Deviation = dyn Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync;

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    clients: Vec<(String, Vec<String>)>,
    codes: BTreeMap<String, Seen>,
    issued: u64,
}

/// The servers. They stop with the test process.
#[derive(Clone)]
pub struct Fake {
    address: SocketAddr,
    /// Where clients find it, if that is another address.
    published: Arc<OnceLock<SocketAddr>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    state: Arc<Mutex<State>>,
    deviation: Arc<Deviation>,
    /// Connections that were accepted and are not finished.
    open: Arc<AtomicUsize>,
    /// All connections that were accepted.
    accepted: Arc<Mutex<Vec<Weak<Connection>>>>,
}

/// A connection that was accepted.
struct Connection {
    stream: TcpStream,
    /// All requests that were read from it are noted, and their answers decided.
    is_noted: Mutex<bool>,
}

/// Counts a connection as open until it is dropped.
struct OpenConnection(Arc<AtomicUsize>);

impl OpenConnection {
    fn count(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection that can be ended while another thread serves it.
struct SharedStream(Arc<Connection>);

impl Read for SharedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        *self.0.is_noted.lock().expect("a flag") = true;
        // What comes stays in the socket until the flag says that it is read.
        self.0.stream.peek(&mut [0])?;
        let mut is_noted = self.0.is_noted.lock().expect("a flag");
        *is_noted = false;
        (&self.0.stream).read(buffer)
    }
}

impl Write for SharedStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        (&self.0.stream).write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a connection is made of, with TLS or without.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Fake {
    /// Starts servers that behave well.
    pub fn start() -> Self {
        Self::with(|_, _| None)
    }

    /// Starts servers that answer some requests in another way: those for which `deviation` gives a reply.
    pub fn with(deviation: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::listen(None, Arc::new(deviation))
    }

    /// Starts servers that give one answer at this path.
    pub fn answering(path: &'static str, reply: Reply) -> Self {
        Self::with(move |seen, _| (seen.path == path).then(|| reply.clone()))
    }

    /// Starts servers as [`Fake::with`] does, behind TLS.
    pub fn secure(
        tls: Arc<rustls::ServerConfig>,
        deviation: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(tls), Arc::new(deviation))
    }

    // Not generic: it is compiled once, and not for each test.
    fn listen(tls: Option<Arc<rustls::ServerConfig>>, deviation: Arc<Deviation>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .or_else(|_| TcpListener::bind("[::1]:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let fake = Self {
            address,
            published: Arc::default(),
            tls,
            state: Arc::default(),
            deviation,
            open: Arc::default(),
            accepted: Arc::default(),
        };
        let server = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = stream.set_nodelay(true);
                let server = server.clone();
                let open = OpenConnection::count(&server.open);
                let is_noted = Mutex::default();
                let connection = Arc::new(Connection { stream, is_noted });
                let stream = SharedStream(Arc::clone(&connection));
                let number = {
                    let mut accepted = server.accepted.lock().expect("the connections");
                    accepted.push(Arc::downgrade(&stream.0));
                    accepted.len()
                };
                thread::spawn(move || {
                    // Even if the test's own function panics, the connection does not count as open any more.
                    let _open = open;
                    match server.tls.clone() {
                        None => server.serve(Box::new(stream), number, &connection.is_noted),
                        Some(tls) => {
                            let tls = rustls::ServerConnection::new(tls).expect("a connection");
                            let stream = rustls::StreamOwned::new(tls, stream);
                            server.serve(Box::new(stream), number, &connection.is_noted);
                        }
                    }
                });
            }
        });
        fake
    }

    /// Returns the origin, which is the issuer too.
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let address = self.published.get().unwrap_or(&self.address);
        format!("{scheme}://{address}")
    }

    /// Names this address in all documents: that of what stands before the fake.
    #[allow(dead_code)] // for the measurements
    pub fn publish_at(&self, address: SocketAddr) {
        self.published.set(address).expect("the first address");
    }

    /// Returns the URL of the MCP server.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until everything that was sent to the servers by processes that have ended is dealt with.
    pub fn wait_until_idle(&self) {
        // Connections are accepted in their order, so all earlier ones count when this one has its answer.
        super::send(
            self.address,
            b"GET /idle HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        );
        super::wait_for("the servers to be idle", || {
            (self.open.load(Ordering::SeqCst) == 0).then_some(())
        });
    }

    /// Returns how many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.accepted.lock().expect("the connections").len()
    }

    /// Returns how many connections are open.
    pub fn open_connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Closes all connections but this one, as a server closes those that are idle.
    pub fn close_connections(&self, but: usize) {
        let accepted = self.accepted.lock().expect("the connections");
        for (at, stream) in accepted.iter().enumerate() {
            if let Some(stream) = stream.upgrade().filter(|_| at + 1 != but) {
                let _ = stream.stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Waits until every request is noted that was sent by processes which have ended or are stopped, and its answer is
    /// decided, if not given.
    #[cfg(unix)]
    pub fn wait_until_noted(&self) {
        use rustix::net::{recv, RecvFlags};
        // Connections are accepted in their order.
        super::send(
            self.address,
            b"GET /idle HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        );
        let is_noted = |connection: &Weak<Connection>| {
            let Some(connection) = connection.upgrade() else {
                return true;
            };
            let is_noted = connection.is_noted.lock().expect("a flag");
            let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
            let left = recv(&connection.stream, &mut [0][..], flags);
            *is_noted && left.map_or(0, |(count, _)| count) == 0
        };
        super::wait_for("the requests to be noted", || {
            let accepted = self.accepted.lock().expect("the connections");
            accepted.iter().all(is_noted).then_some(())
        });
    }

    /// Returns all requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().expect("the state").seen.clone()
    }

    /// Returns the requests so far to a path.
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen()
            .into_iter()
            .filter(|seen| seen.path == path)
            .collect()
    }

    /// Returns the metadata of the authorization server.
    pub fn server_metadata(&self) -> Value {
        let origin = self.origin();
        json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"),
            "revocation_endpoint": format!("{origin}/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        })
    }

    /// Returns the metadata of the protected resource.
    pub fn resource_metadata(&self) -> Value {
        json!({
            "resource": self.mcp(),
            "authorization_servers": [self.origin()],
            "scopes_supported": ["read", "write"],
        })
    }

    fn serve(&self, stream: Box<dyn Stream>, connection: usize, is_noted: &Mutex<bool>) {
        let mut reader = BufReader::new(stream);
        while let Some(mut seen) = read_request(&mut reader) {
            seen.connection = connection;
            self.state
                .lock()
                .expect("the state")
                .seen
                .push(seen.clone());
            let reply = (self.deviation)(&seen, self).unwrap_or_else(|| self.behave(&seen));
            *is_noted.lock().expect("a flag") = true;
            let last = seen.header("connection") == Some("close");
            if !send(&mut reader, reply) || last {
                return;
            }
        }
    }

    /// Answers as a good server does.
    pub fn behave(&self, seen: &Seen) -> Reply {
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/mcp") => self.mcp_answer(seen),
            ("DELETE", "/mcp") => Reply::status(200),
            ("GET", "/.well-known/oauth-protected-resource/mcp") => {
                Reply::json(200, &self.resource_metadata())
            }
            ("GET", "/.well-known/oauth-authorization-server") => {
                Reply::json(200, &self.server_metadata())
            }
            ("POST", "/register") => self.register(seen),
            ("GET", "/authorize") => self.authorize(seen),
            ("POST", "/token") => self.token(seen),
            _ => Reply::status(404),
        }
    }

    /// Answers as an MCP server that wants a token.
    pub fn mcp_answer(&self, seen: &Seen) -> Reply {
        let token = seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        if token.is_some_and(|token| token.starts_with("access-")) {
            let tools = json!([{"name": "echo", "inputSchema": {"type": "object"}}]);
            return Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}),
            );
        }
        let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", self.origin());
        Reply::json(401, &json!({"error": "invalid_token"})).with(
            "WWW-Authenticate",
            &format!("Bearer resource_metadata=\"{metadata}\", scope=\"read\""),
        )
    }

    fn register(&self, seen: &Seen) -> Reply {
        let Ok(request) = serde_json::from_str::<Value>(&seen.body) else {
            return Reply::status(400);
        };
        let uris = request["redirect_uris"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let uris: Vec<_> = uris
            .iter()
            .filter_map(|uri| uri.as_str().map(str::to_owned))
            .collect();
        let mut state = self.state.lock().expect("the state");
        let client_id = format!("client-{}", state.clients.len() + 1);
        state.clients.push((client_id.clone(), uris));
        let mut answer = request;
        answer["client_id"] = client_id.into();
        Reply::json(201, &answer)
    }

    /// Agrees at once, as a user with a running session would.
    fn authorize(&self, seen: &Seen) -> Reply {
        let mut state = self.state.lock().expect("the state");
        let need = |name: &str| {
            seen.parameter(name)
                .unwrap_or_else(|| panic!("no {name} in {}", seen.query))
        };
        assert_eq!(need("response_type"), "code");
        assert_eq!(need("code_challenge_method"), "S256");
        let (client_id, redirect_uri) = (need("client_id"), need("redirect_uri"));
        if let Some((_, uris)) = state.clients.iter().find(|(id, _)| *id == client_id) {
            assert!(
                uris.contains(&redirect_uri),
                "{redirect_uri} is not among {uris:?}"
            );
        }
        state.issued += 1;
        let code = format!("code-{}", state.issued);
        state.codes.insert(code.clone(), seen.clone());
        Reply::redirect(
            302,
            &format!("{redirect_uri}?code={code}&state={}", need("state")),
        )
    }

    fn token(&self, seen: &Seen) -> Reply {
        let refuse = |why: &str| {
            Reply::json(
                400,
                &json!({"error": "invalid_grant", "error_description": why}),
            )
        };
        let mut state = self.state.lock().expect("the state");
        let Some(request) = seen
            .parameter("code")
            .and_then(|code| state.codes.remove(&code))
        else {
            return refuse("no such code");
        };
        for name in ["redirect_uri", "resource", "client_id"] {
            if seen.parameter(name) != request.parameter(name) {
                return refuse(&format!("another {name}"));
            }
        }
        let verifier = seen.parameter("code_verifier").unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if Some(challenge) != request.parameter("code_challenge") {
            return refuse("another verifier");
        }
        Reply::json(200, &self.tokens(state.issued, request.parameter("scope")))
    }

    /// Returns a token response.
    pub fn tokens(&self, number: u64, scope: Option<String>) -> Value {
        let mut answer = json!({
            "access_token": format!("access-{number}"),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": format!("refresh-{number}"),
        });
        if let Some(scope) = scope {
            answer["scope"] = scope.into();
        }
        answer
    }
}

/// A gate at which a deviation holds a request until the test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0 .0.lock().expect("the gate") = true;
        self.0 .1.notify_all();
    }

    pub fn is_open(&self) -> bool {
        *self.0 .0.lock().expect("the gate")
    }

    pub fn pass(&self) {
        let closed = self.0 .0.lock().expect("the gate");
        drop(
            self.0
                 .1
                .wait_while(closed, |open| !*open)
                .expect("the gate"),
        );
    }
}

fn read_request(reader: &mut BufReader<Box<dyn Stream>>) -> Option<Seen> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let header = |wanted: &str| {
        let mut all = headers.iter();
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    };
    let body = if header("transfer-encoding").is_some() {
        read_chunks(reader)?
    } else {
        let length = header("content-length").and_then(|value| value.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        body
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Seen {
        connection: 0,
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body,
    })
}

/// Reads a body that comes in chunks.
fn read_chunks(reader: &mut BufReader<Box<dyn Stream>>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim().split(';').next()?, 16).ok()?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..]).ok()?;
        reader.read_line(&mut String::new()).ok()?;
        if size == 0 {
            return Some(body);
        }
    }
}

/// A connection on which a script writes a response, in chunks.
pub struct Pieces<'a> {
    reader: &'a mut BufReader<Box<dyn Stream>>,
    ended: bool,
}

impl Pieces<'_> {
    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        let stream = self.reader.get_mut();
        stream
            .write_all(bytes)
            .and_then(|()| stream.flush())
            .is_ok()
    }

    /// Writes the head of a successful response, with these headers beside its type.
    pub fn begin(&mut self, kind: &str, headers: &[(&str, &str)]) -> bool {
        let mut head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(format!("{head}\r\n").as_bytes())
    }

    /// Writes one chunk; tells whether the other side is still there.
    pub fn chunk(&mut self, bytes: &[u8]) -> bool {
        let size = format!("{:x}\r\n", bytes.len());
        self.raw(&[size.as_bytes(), bytes, b"\r\n"].concat())
    }

    /// Writes the end of the response, after which the connection can be used again. Without it the response is cut.
    pub fn end(&mut self) {
        self.ended = self.raw(b"0\r\n\r\n");
    }

    /// Waits until the other side has closed the connection.
    pub fn until_closed(&mut self) {
        while self.reader.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
    }
}

/// Sends a reply; tells whether the connection can be used again.
fn send(reader: &mut BufReader<Box<dyn Stream>>, reply: Reply) -> bool {
    let stream = reader.get_mut();
    match reply {
        Reply::Pieces(script) => {
            let mut pieces = Pieces {
                reader,
                ended: false,
            };
            (script.0)(&mut pieces);
            pieces.ended
        }
        Reply::Full {
            status,
            headers,
            body,
        } => {
            let mut head = format!(
                "HTTP/1.1 {status} Reply\r\nContent-Length: {}\r\n",
                body.len()
            );
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream
                .write_all(&[head.as_bytes(), &body].concat())
                .and_then(|()| stream.flush())
                .is_ok()
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
            false
        }
        Reply::Hang => loop {
            thread::park();
        },
        Reply::Endless { head, again, pause } => {
            let mut sent = stream.write_all(&head);
            while sent.is_ok() {
                sent = stream.write_all(&again).and_then(|()| stream.flush());
                thread::sleep(pause);
            }
            false
        }
        Reply::Slow(pause, reply) => {
            thread::sleep(pause);
            send(reader, *reply)
        }
    }
}
