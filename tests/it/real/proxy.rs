//! A way to the bus that has an accident at one of the messages which pass it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use rustix::net::sockopt::socket_peercred;
use rustix::process::{kill_process, Signal};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accident {
    /// The sender is killed before the message goes on.
    KillBefore,
    /// The sender is killed when the message has gone on.
    KillAfter,
    /// The connection is cut.
    Cut,
    /// Nothing goes on any more.
    Silence,
}

/// Such a way. It has no end before the test's.
pub struct Proxy {
    path: PathBuf,
    messages: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Opens a way to a bus in a directory; at this message, counted from 1, the accident happens.
    pub fn open(bus: &str, directory: &Path, at: usize, accident: Accident) -> Self {
        let path = directory.join("way-to-the-bus");
        let listener = UnixListener::bind(&path).expect("a socket");
        let bus = bus
            .trim_start_matches("unix:path=")
            .split(',')
            .next()
            .expect("a path")
            .to_owned();
        let messages = Arc::<AtomicUsize>::default();
        let connections = Arc::<AtomicUsize>::default();
        let proxy = Self {
            path,
            messages: Arc::clone(&messages),
            connections: Arc::clone(&connections),
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = UnixStream::connect(&bus) else {
                    return;
                };
                let (back, to) = (
                    client.try_clone().expect("a socket"),
                    server.try_clone().expect("a socket"),
                );
                thread::spawn(move || answers(server, back));
                let messages = Arc::clone(&messages);
                thread::spawn(move || requests(client, to, &messages, at, accident));
            }
        });
        proxy
    }

    /// Returns the address to reach the bus by.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.path.display())
    }

    /// Returns how often somebody came this way so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns how many messages came so far, from all who came this way.
    pub fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }
}

fn answers(mut from: UnixStream, mut to: UnixStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn requests(
    mut from: UnixStream,
    mut to: UnixStream,
    messages: &AtomicUsize,
    at: usize,
    accident: Accident,
) {
    let (mut bytes, mut buffer) = (vec![0; 1 << 16], Vec::new());
    let mut is_open = false;
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        buffer.extend_from_slice(&bytes[..count]);
        while let Some(size) = size(&buffer, is_open).filter(|size| *size <= buffer.len()) {
            let message: Vec<_> = buffer.drain(..size).collect();
            // The handshake is the same each time, and does not count.
            let happens = is_open && messages.fetch_add(1, Ordering::SeqCst) + 1 == at;
            is_open |= message == b"BEGIN\r\n";
            match accident {
                Accident::KillBefore if happens => return kill(&from, &to),
                Accident::Cut if happens => return cut(&from, &to),
                Accident::Silence if messages.load(Ordering::SeqCst) >= at => continue,
                _ => {}
            }
            if to.write_all(&message).is_err() {
                break;
            }
            if happens && accident == Accident::KillAfter {
                return kill(&from, &to);
            }
        }
    }
    cut(&from, &to);
}

/// Returns the size of a line of the handshake, or of a message after it; `None` if that cannot be told yet.
///
/// Spec: D-Bus specification, Message Format.
fn size(bytes: &[u8], is_open: bool) -> Option<usize> {
    if !is_open {
        return bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|end| end + 1);
    }
    let word =
        |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    Some(16 + word(12)?.next_multiple_of(8) + word(4)?)
}

fn cut(one: &UnixStream, other: &UnixStream) {
    let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
}

fn kill(client: &UnixStream, bus: &UnixStream) {
    let sender = socket_peercred(client).expect("a sender").pid;
    // It may have ended by itself, if this was its last message.
    let _ = kill_process(sender, Signal::KILL);
    cut(client, bus);
}
