//! One login of a run: what the user wants, its sockets, and how far it has come.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Accepted;
use super::authorize::Authorization;
use super::pending::PendingAuthorization;
use super::rejections::Rejections;
use super::{Report, Request};
use crate::callback::pages::Page;
use crate::callback::Listener;
use crate::error::Error;
use crate::oauth::callback::AuthorizationResponse;
use crate::os::clock::Deadline;
use crate::store::cache::Cache;
use crate::store::GrantType;

/// Longest time that a browser waits for its page while the code is exchanged.
const PAGE_LIMIT: Duration = Duration::from_secs(10);

/// How long a login that is done still answers a reload, if others keep the program running.
const RELOAD_GRACE: Duration = Duration::from_secs(2);

/// How long nothing comes until the user reads what was asked for: some servers show their errors in the browser only.
const SILENCE: Duration = Duration::from_secs(60);

/// A login of a run, by its place in the order of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginId(pub usize);

/// One login of a run, from its start to its end.
pub struct ActiveLogin {
    /// What the user wants.
    pub request: Arc<Request>,
    /// Its callback sockets, once they are bound.
    pub listener: Option<Listener>,
    /// How far it has come.
    pub stage: Stage,
    /// The messages that were not accepted.
    pub rejections: Rejections,
}

/// How far a login has come.
pub enum Stage {
    /// It has no authorization request yet.
    Preparing,
    /// Its answer is awaited.
    Waiting {
        /// What the answer is checked and completed with.
        pending: Box<PendingAuthorization>,
        /// When there is something to do though nothing has come.
        wake_at: Option<Deadline>,
    },
    /// A worker polls for its tokens.
    Polling,
    /// Its answer has come; browsers with this very answer wait for their page.
    Completing {
        /// The answer, as it came.
        query: String,
        /// When the browsers get a page whatever happens.
        page_due: Deadline,
    },
    /// It has ended.
    Done {
        /// The login, or why it failed.
        result: Box<Result<Report, Error>>,
        /// The answer, as it came; empty if there was none.
        query: String,
        /// The page for browsers with this very answer.
        page: Page,
        /// How long they are answered.
        until: Deadline,
    },
}

impl ActiveLogin {
    /// Returns a login that begins.
    pub fn new(request: Request) -> Self {
        Self {
            request: Arc::new(request),
            listener: None,
            stage: Stage::Preparing,
            rejections: Rejections::default(),
        }
    }

    /// Returns the server, as people know it.
    pub fn server(&self) -> &str {
        &self.request.key.server
    }

    /// Waits for the answer from now on.
    pub fn wait(&mut self, pending: Box<PendingAuthorization>) {
        let wake_at = match pending.device() {
            Some(device) => device.next_poll,
            None => Deadline::after(SILENCE),
        };
        self.stage = Stage::Waiting {
            pending,
            wake_at: Some(wake_at),
        };
    }

    /// Returns whether there is no authorization request yet.
    pub fn is_preparing(&self) -> bool {
        matches!(self.stage, Stage::Preparing)
    }

    /// Returns whether the answer or the tokens are awaited.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting { .. } | Stage::Polling)
    }

    /// Returns whether the login needs no browser of this machine: a code is entered, or nothing more is needed.
    pub fn is_for_code(&self) -> bool {
        match &self.stage {
            Stage::Preparing => self.request.grant == GrantType::DeviceCode,
            Stage::Waiting { pending, .. } => pending.device().is_some(),
            Stage::Polling | Stage::Completing { .. } | Stage::Done { .. } => true,
        }
    }

    /// Returns the authorization that is awaited.
    pub fn pending(&self) -> Option<&PendingAuthorization> {
        match &self.stage {
            Stage::Waiting { pending, .. } => Some(pending),
            _ => None,
        }
    }

    /// Returns the authorization request whose answer is awaited.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.pending()?.authorization()
    }

    /// Returns the device code whose tokens have to be polled for now, or which has expired; a worker polls from now on.
    pub fn due_poll(&mut self) -> Option<Box<PendingAuthorization>> {
        let Stage::Waiting { pending, wake_at } = &self.stage else {
            return None;
        };
        pending.device()?;
        if !wake_at.is_some_and(Deadline::passed) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Polling) {
            Stage::Waiting { pending, .. } => Some(pending),
            _ => None,
        }
    }

    /// Notes that the tokens have come, and are stored next.
    pub fn answered(&mut self) {
        self.stage = Stage::Completing {
            query: String::new(),
            page_due: Deadline::after(PAGE_LIMIT),
        };
    }

    /// Returns whether an answer was accepted and is worked on.
    pub fn is_completing(&self) -> bool {
        matches!(self.stage, Stage::Completing { .. })
    }

    /// Returns whether the login has ended.
    pub fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done { .. })
    }

    /// Accepts an answer that passed all checks; returns it with what it is completed with.
    pub fn accept(&mut self, query: String, answer: AuthorizationResponse) -> Option<Accepted> {
        let completing = Stage::Completing {
            query,
            page_due: Deadline::after(PAGE_LIMIT),
        };
        match std::mem::replace(&mut self.stage, completing) {
            Stage::Waiting { pending, .. } => Some((pending, answer)),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// Prepares anew on the same sockets.
    pub fn restart(&mut self) {
        self.answer_held(Page::OtherLogin);
        self.stage = Stage::Preparing;
    }

    /// Ends the login: the browsers that wait get this page.
    pub fn end(&mut self, result: Result<Report, Error>, page: Page) {
        self.answer_held(page);
        let (query, grace) = match std::mem::replace(&mut self.stage, Stage::Preparing) {
            Stage::Completing { query, .. } => (query, RELOAD_GRACE),
            _ => (String::new(), Duration::ZERO),
        };
        self.stage = Stage::Done {
            result: Box::new(result),
            query,
            page,
            until: Deadline::after(grace),
        };
    }

    fn answer_held(&mut self, page: Page) {
        if let Some(listener) = &mut self.listener {
            listener.answer_held(page);
        }
    }

    /// Tells whether the authorization server, if it is known, offers logins with a device code, and this is none.
    pub fn could_use_device(&self) -> bool {
        self.pending().is_some_and(|pending| {
            pending.device().is_none() && pending.preparation.offers_device()
        })
    }

    /// Notes that the server knows the client, if it has answered with the state of a login that still waits.
    pub fn confirm_client(&self, cache: &Cache) {
        if let Some(pending) = self.pending() {
            pending.confirm_client(cache);
        }
    }

    /// Returns what to remind the user of, once nothing has come for a while.
    pub fn reminder(&mut self) -> Option<String> {
        match &mut self.stage {
            Stage::Waiting { pending, wake_at } if wake_at.is_some_and(Deadline::passed) => {
                let asked = pending.asked()?;
                *wake_at = None;
                Some(asked)
            }
            _ => None,
        }
    }

    /// Returns the earliest moment at which there is something to do though nothing comes.
    pub fn next_deadline(&self) -> Option<Deadline> {
        let listener = self.listener.as_ref();
        let of_stage = match &self.stage {
            Stage::Preparing | Stage::Polling => None,
            Stage::Waiting { wake_at, .. } => *wake_at,
            Stage::Completing { page_due, .. } => {
                let holds_browsers = listener.is_some_and(Listener::holds_browsers);
                holds_browsers.then_some(*page_due)
            }
            Stage::Done { until, .. } => listener.map(|_| *until),
        };
        let of_listener = listener.and_then(Listener::next_deadline);
        let of_rejections = self.rejections.next_deadline();
        [of_stage, of_listener, of_rejections]
            .into_iter()
            .flatten()
            .reduce(Deadline::min)
    }

    /// Answers the browsers that have waited long enough, and stops listening once nobody needs it.
    pub fn on_deadline(&mut self) {
        match &self.stage {
            Stage::Completing { page_due, .. } if page_due.passed() => {
                self.answer_held(Page::SeeTerminal);
            }
            Stage::Done { until, .. } if until.passed() => self.listener = None,
            _ => {}
        }
    }
}
