//! The streams of the server: events in a response, and the stream of GET.

use std::sync::mpsc;

use serde_json::Value;

use super::super::fake::{Pieces, Reply};
use super::{McpServer, State};

/// What is done with a stream of GET.
#[derive(Clone, Debug)]
pub(super) enum Push {
    /// An event, with an id or without.
    Event(Option<String>, String),
    /// It is cut.
    Cut,
}

/// Writes events into a response.
pub struct Events<'a, 'b>(pub &'a mut Pieces<'b>);

impl Events<'_, '_> {
    /// Writes a message as an event; tells whether the client is still there.
    pub fn send(&mut self, message: &Value) -> bool {
        self.0
            .chunk(format!("event: message\ndata: {message}\n\n").as_bytes())
    }

    /// Writes a message as an event with an id.
    pub fn send_with_id(&mut self, id: &str, message: &Value) -> bool {
        self.0
            .chunk(format!("id: {id}\ndata: {message}\n\n").as_bytes())
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> bool {
        self.0.chunk(bytes)
    }

    /// Ends the stream, so that the connection can be used again.
    pub fn end(&mut self) {
        self.0.end();
    }

    /// Waits until the client has closed the stream.
    pub fn until_closed(&mut self) {
        self.0.until_closed();
    }
}

impl Reply {
    /// Returns a stream of events that a script writes. It is cut if the script does not end it.
    pub fn events(script: impl Fn(&mut Events<'_, '_>) + Send + Sync + 'static) -> Self {
        Self::pieces(move |pieces| {
            pieces.begin("text/event-stream", &[]);
            script(&mut Events(pieces));
        })
    }

    /// Returns a stream of these messages, which ends.
    pub fn stream(messages: Vec<Value>) -> Self {
        Self::events(move |events| {
            for message in &messages {
                events.send(message);
            }
            events.end();
        })
    }
}

impl McpServer {
    /// Waits until this many streams of GET are open.
    pub fn wait_for_streams(&self, count: usize) {
        self.wait_until("streams of GET", |state| state.log().streams.len() == count);
    }

    /// Sends a message on every stream of GET, with an id of its event or without.
    pub fn push(&self, id: Option<&str>, message: &Value) {
        self.to_streams(&Push::Event(id.map(str::to_owned), message.to_string()));
    }

    /// Cuts the streams of GET.
    pub fn cut_streams(&self) {
        self.to_streams(&Push::Cut);
        self.change(|log| log.streams.clear());
    }

    fn to_streams(&self, push: &Push) {
        let streams = &mut self.log().streams;
        streams.retain(|stream| stream.send(push.clone()).is_ok());
    }
}

impl State {
    /// Opens a stream of GET.
    pub(super) fn open_stream(&self) -> Reply {
        let (sender, receiver) = mpsc::channel();
        let receiver = std::sync::Mutex::new(receiver);
        self.change(|log| log.streams.push(sender));
        Reply::events(move |events| {
            // The client must know that it is open before anything comes.
            events.raw(b": open\n\n");
            for push in receiver.lock().expect("the stream").iter() {
                let Push::Event(id, data) = push else { return };
                let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
                if !events.raw(format!("{id}data: {data}\n\n").as_bytes()) {
                    return;
                }
            }
        })
    }
}
