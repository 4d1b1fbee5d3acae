//! The answers of authorization servers: callbacks and pastes, each checked against the login that waits for it.

use super::pending::PendingAuthorization;
use super::rejections::{detail, Reason};
use super::stage::{ActiveLogin, LoginId, Stage};
use crate::callback::{check, CheckError, Connection, RedirectTarget};
use crate::oauth::callback::{AuthorizationResponse, ExpectedResponse, Rejection};
use crate::oauth::endpoint;
use crate::oauth::paste::{PasteContent, PastedResponse};
use crate::oauth::text::printable;
use crate::os::poll::PollFlags;

/// An answer that passed all checks, and what it is completed with.
pub type Accepted = (Box<PendingAuthorization>, AuthorizationResponse);

impl ActiveLogin {
    /// Serves the callback sockets; returns the answer that was accepted, if one was.
    pub fn serve(&mut self, ready: &[PollFlags]) -> Option<Accepted> {
        let mut listener = self.listener.take()?;
        let mut accepted = None;
        listener.advance(ready, &mut |connection, target| {
            if let Some(answer) = self.on_request(connection, target) {
                accepted = Some(answer);
            }
        });
        self.listener = Some(listener);
        accepted
    }

    /// Checks what has come of a request. One that fails a check gets a page, and changes nothing but a counter.
    fn on_request(
        &mut self,
        connection: &mut Connection,
        target: &RedirectTarget,
    ) -> Option<Accepted> {
        let expected = |query: &str| self.expected(query);
        let is_foreign = || connection.is_foreign();
        match check(connection.received(), target, expected, is_foreign) {
            Ok(None) => None,
            Ok(Some((query, answer))) => {
                let query = query.to_owned();
                connection.hold();
                self.accept(query, answer)
            }
            Err(refused) => {
                self.refuse(connection, refused);
                None
            }
        }
    }

    /// Returns what an answer has to carry.
    fn expected(&self, query: &str) -> Result<&ExpectedResponse, CheckError> {
        match &self.stage {
            Stage::Completing {
                query: accepted, ..
            }
            | Stage::Done {
                query: accepted, ..
            } if accepted == query => Err(CheckError::Repeated),
            _ => match self.authorization() {
                Some(authorization) => Ok(&authorization.expected),
                None => Err(CheckError::NotWaiting),
            },
        }
    }

    fn refuse(&mut self, connection: &mut Connection, refused: CheckError) {
        let (reason, detail) = match (refused, &self.stage) {
            (CheckError::Page(page), _) => return connection.answer(page),
            (CheckError::Form(page), _) => {
                connection.answer(page);
                return self.rejections.add_callback(Reason::Malformed, None);
            }
            (CheckError::Repeated, Stage::Done { page, .. }) => return connection.answer(*page),
            (CheckError::Repeated, _) => return connection.hold(),
            (CheckError::NotWaiting, _) => (Reason::StateMismatch, None),
            (CheckError::ForeignPeer, _) => (Reason::ForeignPeer, None),
            (CheckError::Rejection(rejection), _) => self.judge_claim(connection, rejection),
        };
        connection.answer(reason.page());
        self.rejections.add_callback(reason, detail);
    }

    /// Returns why a message is rejected, and what the user may know of it. An error that a message names without proof is
    /// shown only if no other user sent it. Who does not know the state learns nothing about that.
    fn judge_claim(
        &mut self,
        connection: &Connection,
        rejection: Rejection,
    ) -> (Reason, Option<String>) {
        let reason = Reason::from(&rejection);
        let (Rejection::NoState { claimed, .. } | Rejection::NoIssuer { claimed }) = &rejection
        else {
            return (reason, detail(&rejection));
        };
        if claimed.is_none() {
            return (reason, None);
        }
        let is_looked_up = self.rejections.may_look_up();
        if is_looked_up && !connection.is_foreign() {
            return (reason, detail(&rejection));
        }
        match reason {
            Reason::NoIssuer if is_looked_up => (Reason::ForeignPeer, None),
            Reason::NoIssuer => (Reason::NoIssuer, None),
            _ => (Reason::NoState, None),
        }
    }
}

/// Why a paste is not accepted.
pub struct PasteRefused {
    /// The reason.
    pub reason: Reason,
    /// The reason in words, and what to do.
    pub why: String,
    /// The error that the paste names, without proof.
    pub claim: Option<String>,
}

impl PasteRefused {
    fn new(reason: Reason, why: &str) -> Self {
        Self {
            reason,
            why: why.to_owned(),
            claim: None,
        }
    }

    fn of(rejection: &Rejection) -> Self {
        let (reason, detail) = (Reason::from(rejection), detail(rejection));
        let why = match (rejection, &detail) {
            (Rejection::NoState { .. }, _) => "a part of the address is missing; copy all of it",
            (Rejection::NoIssuer { .. }, _) => {
                "this does not name the authorization server that sent it (iss), which the server promises to do"
            }
            (Rejection::Issuer, _) => "it names another authorization server; open the address above and sign in again",
            (_, Some(words)) => return Self::new(reason, words),
            (_, None) => "this answer cannot be used",
        };
        Self {
            claim: detail,
            ..Self::new(reason, why)
        }
    }
}

/// Gives a paste to the login whose state it carries, through the checks of a callback; returns the answer.
///
/// # Errors
///
/// Why no login accepts it.
pub fn accept_pasted(
    logins: &mut [ActiveLogin],
    pasted: &PasteContent,
) -> Result<(LoginId, Accepted), PasteRefused> {
    let no_answer = |why| Err(PasteRefused::new(Reason::NotARedirect, why));
    let response = match pasted {
        PasteContent::Answer(response) => response,
        PasteContent::NotAnAnswer(mistake) => return no_answer(mistake.reason()),
        PasteContent::Empty => return no_answer("nothing was pasted"),
    };
    let mut why = PasteRefused::new(
        Reason::StateMismatch,
        "this belongs to another login; open the address above and paste the one you land on",
    );
    for (index, login) in logins.iter_mut().enumerate() {
        let Some(authorization) = login.authorization() else {
            continue;
        };
        let expected = &authorization.expected;
        match expected.check_state(&response.query) {
            Ok(()) => {}
            Err(rejection @ Rejection::NoState { .. }) => {
                why = PasteRefused::of(&rejection);
                continue;
            }
            Err(_) => continue,
        }
        check_address(response)?;
        let checked = expected.check(&response.query);
        let answer = checked.map_err(|rejection| PasteRefused::of(&rejection))?;
        if let Some(accepted) = login.accept(response.query.clone(), answer) {
            return Ok((LoginId(index), accepted));
        }
    }
    Err(why)
}

/// Checks that an address that was pasted is one of this machine.
fn check_address(response: &PastedResponse) -> Result<(), PasteRefused> {
    match &response.place {
        Some(place) if !endpoint::is_loopback(place) => {
            let host = printable(place.host_str().unwrap_or_default());
            let why = format!(
                "this address is on {host}, not on this machine; sign in first, then paste the address you land on"
            );
            Err(PasteRefused::new(Reason::NotARedirect, &why))
        }
        _ => Ok(()),
    }
}
