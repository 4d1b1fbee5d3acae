//! A long line before a server of this machine: its round-trip time, and what it costs to open a connection over it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Forwards connections to a server, as if it were far away.
pub struct Line {
    address: SocketAddr,
}

impl Line {
    /// Starts one to this server. Each direction takes half of the round-trip time. The first bytes of a connection leave
    /// the client a whole round trip after it was opened, which is when it would be open on a real line.
    pub fn to(server: SocketAddr, round_trip: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let opened = Instant::now() + round_trip;
                let server = TcpStream::connect(server).expect("the server");
                for stream in [&client, &server] {
                    stream.set_nodelay(true).expect("a socket");
                }
                let both = (
                    client.try_clone().expect("a socket"),
                    server.try_clone().expect("a socket"),
                );
                forward(client, both.1, opened, round_trip / 2);
                forward(server, both.0, opened, round_trip / 2);
            }
        });
        Self { address }
    }

    /// Returns where the client finds the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Copies one direction of a connection: what comes leaves no earlier than it is open, and arrives after the delay.
fn forward(mut from: TcpStream, mut to: TcpStream, opened: Instant, delay: Duration) {
    let (sender, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if piece.is_empty() || to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            let due = Instant::now().max(opened) + delay;
            if sender.send((due, buffer[..count].to_vec())).is_err() || count == 0 {
                return;
            }
        }
    });
}
