//! What the server sends by itself: on a stream of the session, or in a subscription. Both are opened again when they end.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::exchange::{is_passing, NoAnswer, Reading, RefusedMessage};
use super::message::RpcMessage;
use super::session::SessionInfo;
use super::translate::Translation;
use super::Bridge;
use crate::failure::Class;
use crate::http::Abort;
use crate::mcp::MODERN;

/// The shortest pause before a stream is opened again, whatever the server asks for.
pub const MIN_PAUSE: Duration = Duration::from_millis(250);

/// The pause before a stream is opened again where the server names none, and the longest one after failures.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub const MAX_PAUSE: Duration = Duration::from_secs(60);

impl Bridge {
    /// Opens the stream of what the server sends by itself, in a thread of its own.
    pub fn listen(self: &Arc<Self>, session: Arc<SessionInfo>) {
        let (bridge, abort) = (Arc::clone(self), Abort::default());
        if let Some(earlier) = self.session.replace_stream(abort.clone()) {
            earlier.abort();
        }
        // Without a thread, only what the server sends by itself is missing.
        let _ = thread::Builder::new().spawn(move || bridge.keep_listening(&session, &abort));
    }

    /// Reads the stream for as long as the session lives, and opens it again when it ends. A server that has none says so.
    fn keep_listening(self: &Arc<Self>, session: &SessionInfo, abort: &Abort) {
        let mut reading = Reading::of(None, abort);
        let (mut pause, mut has_worked) = (Duration::ZERO, false);
        while !abort.is_aborted() {
            let last_id = reading.parser.last_id.clone();
            match self.get_stream(session, last_id.as_deref(), abort) {
                Ok(response) if response.status == 200 && response.is("text/event-stream") => {
                    (pause, has_worked) = (Duration::ZERO, true);
                    let _ = self.read_events(&mut response.into_stream(), &mut reading);
                    reading.forget_unfinished();
                }
                Ok(response) if is_passing(response.status) => {}
                Ok(response) if has_worked => {
                    let refusal = RefusedMessage::read(response, abort);
                    let is_over = match session.is_lost(&refusal) {
                        true => self.reopen_session(session).is_ok(),
                        // It may be the event that the server does not know any more.
                        false => reading.parser.last_id.take().is_none(),
                    };
                    if is_over {
                        return;
                    }
                }
                Ok(_) => return,
                Err(err) => log::info!("no stream of the server: {err}"),
            }
            let wanted = reading.parser.retry.unwrap_or(FIRST_PAUSE);
            thread::sleep(wanted.max(pause).max(MIN_PAUSE));
            pause = MAX_PAUSE.min(2 * pause.max(FIRST_PAUSE));
        }
    }

    /// Subscribes to what the server offers and the client wants, in place of an earlier subscription.
    pub fn subscribe(self: &Arc<Self>, translation: &Translation) {
        let (bridge, abort) = (Arc::clone(self), Abort::default());
        if let Some(listen) = translation.subscription(&abort) {
            // Without a thread, only the notifications are missing.
            let _ = thread::Builder::new().spawn(move || bridge.keep_subscribed(&listen, &abort));
        }
    }

    /// Reads a subscription until it is given up, and makes it again when it ends. A server that has none says so.
    fn keep_subscribed(&self, listen: &RpcMessage, abort: &Abort) {
        let mut pause = FIRST_PAUSE;
        while !abort.is_aborted() {
            let started = Instant::now();
            match self.ask(listen, MODERN, abort) {
                Err(NoAnswer::Failed(err)) if err.class() == Class::Unavailable => {
                    log::info!("no notifications: {err}")
                }
                // It ended in good order.
                Ok(answer) if !answer.message.is_error => {}
                Ok(_) | Err(_) => return,
            }
            if started.elapsed() > MAX_PAUSE {
                pause = FIRST_PAUSE;
            }
            thread::sleep(pause);
            pause = MAX_PAUSE.min(pause * 2);
        }
    }
}
