//! Logging in: prepare, wait, complete.
//!
//! 1. For each server a worker runs `prepare`, from its URL to the authorization request.
//! 2. The event loop shows the page and waits for the answers of all logins (`event_loop`); each passes the checks in
//!    [`callback::check`] before its code is looked at.
//! 3. A worker runs `complete`, from the code to the stored login. The browser gets its page last.
//!
//! [`callback::check`]: crate::callback::check

mod account;
mod answer;
mod authorize;
mod client;
mod completion;
mod defaults;
mod device;
mod event;
mod event_loop;
mod pending;
mod preflight;
mod preparation;
mod previous;
mod redirect;
mod rejections;
mod request;
mod server;
mod stage;
mod unattended;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::error::Error;
use crate::oauth::callback::AuthorizationCode;
use crate::oauth::token::Tokens;
use crate::os::browser::BrowserChoice;
use crate::os::terminal::paste::Paste;
use crate::store::GrantType;
use event_loop::EventLoop;
use pending::{PendingAuthorization, Preparation};
use workers::{Message, WorkerHandle};

pub use completion::metadata;
pub use event::{AuthorizationPage, DevicePage, Event, Outcome, Report};
pub use preflight::{preflight, Preflight};
pub use previous::serves;
pub use redirect::{cannot_listen, redirect_target};
pub use rejections::{AnswerSource, Reason};
pub use request::{Request, Resource};
pub use unattended::{check as check_unattended, record};

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How the user is asked, and how long the answers are waited for.
pub struct UserOptions {
    /// The browser that the user wants.
    pub browser: BrowserChoice,
    /// Where answers can be pasted; `None` if they cannot.
    pub paste: Option<Paste>,
    /// How long all logins may take.
    pub timeout: Duration,
}

/// Logs in to all servers at once. `notify` is called as things happen.
///
/// # Errors
///
/// Only if the system lacks what every run needs; the failure of one login is part of the [`Outcome`].
pub fn run(
    requests: Vec<Request>,
    context: Arc<Context>,
    options: UserOptions,
    notify: &mut dyn FnMut(Event),
) -> Result<Outcome, Error> {
    EventLoop::new(requests, context, options, notify)?.run()
}

/// Step one: binds the callback socket, discovers the authorization server, and requests the authorization.
fn prepare(request: &Request, context: &Context, worker: &WorkerHandle) -> Result<Message, Error> {
    let stored = previous::load(request, context)?;
    if let Some(report) = previous::live_login(request, stored.as_ref(), context) {
        return Ok(Message::Completed(report));
    }
    let request = defaults::apply(request.clone(), stored.as_ref())?;
    if request.is_unattended() {
        let report = unattended::log_in(&request, stored.as_ref(), context, worker)?;
        return Ok(Message::Completed(report));
    }
    let redirect_uri = redirect::bind(&request, stored.as_ref(), context, worker)?;
    let preparation = Preparation::discover(request, redirect_uri, stored, context, worker)?;
    request_authorization(preparation, context)
}

/// The end of step one: registers a client, and makes its authorization request or asks for a device code. The store has to
/// work before the user sees the page.
fn request_authorization(preparation: Preparation, context: &Context) -> Result<Message, Error> {
    let mut pending = match preparation.request.grant {
        GrantType::DeviceCode => device::authorize(preparation, context)?,
        _ => {
            let client = client::register(&preparation, context)?;
            authorize::authorize(preparation, client)?
        }
    };
    context.store(&pending.preparation.request.key)?;
    pending.stand_by();
    Ok(Message::Requested(Box::new(pending)))
}

/// Step one again, on the same socket and with a new registration.
fn prepare_again(
    pending: PendingAuthorization,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Message, Error> {
    let request = &pending.preparation.request;
    let preparation = Preparation {
        http: request.http(&context.settings.http, worker.deadline),
        has_reregistered: true,
        standby: None,
        ..pending.preparation
    };
    request_authorization(preparation, context)
}

/// Step three: exchanges the code for tokens, and stores the login. Where the server does not know our registration any more,
/// the event loop may begin again with [`prepare_again`].
fn complete(
    mut pending: Box<PendingAuthorization>,
    code: AuthorizationCode,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Message, Error> {
    // The open connection is now that of the exchange.
    pending.preparation.standby = None;
    match completion::exchange(&pending, code, worker) {
        Ok(tokens) => {
            pending.confirm_client(&context.cache());
            store_login(pending, tokens, context)
        }
        Err(source) => completion::not_exchanged(pending, source, context),
    }
}

/// The end of step three: finds out whose account the tokens are for, and stores the login. A stored login is not touched
/// before that.
fn store_login(
    pending: Box<PendingAuthorization>,
    tokens: Tokens,
    context: &Context,
) -> Result<Message, Error> {
    let account = account::find(&pending, &tokens);
    completion::store(pending, tokens, account, context).map(Message::Completed)
}

/// Steps two and three of a login with a device code: polls once for the tokens, and stores the login if they come.
fn poll_for_tokens(
    mut pending: Box<PendingAuthorization>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Message, Error> {
    let Some(tokens) = device::poll(&mut pending, context, worker)? else {
        return Ok(Message::NotYet(pending));
    };
    worker.send(Message::Answered);
    store_login(pending, tokens, context)
}
