//! Logins with a device code: the code for the user, and the polls for the tokens.
//!
//! A worker sends each poll; the event loop knows when the next one is due.

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use super::pending::{PendingAnswer, PendingAuthorization, Preparation};
use super::workers::WorkerHandle;
use super::{client, completion};
use crate::context::Context;
use crate::error::Error;
use crate::http::Http;
use crate::oauth::client::Client;
use crate::oauth::device::{DeviceEnd, DeviceResponse, Polling};
use crate::oauth::token::Tokens;
use crate::os::clock::{Deadline, Time};
use crate::token_endpoint::{DeviceError, DeviceRequest};
use crate::warning::warn_user;

/// Parameters of the authorization request that are about the page or its answer, and mean nothing to the device
/// authorization endpoint.
const OF_THE_PAGE: [&str; 7] = [
    "access_type",
    "display",
    "include_granted_scopes",
    "login_hint",
    "nonce",
    "prompt",
    "response_mode",
];

/// A device code that the user has to agree to, and how its tokens are polled for.
pub struct DeviceAuthorization {
    /// The codes, and the page for the user.
    pub response: DeviceResponse,
    /// When they expire, by our own clock.
    pub expires: Deadline,
    /// The same as a moment of the calendar.
    pub expires_at: Time,
    /// When the next poll is due; at the latest that is when the codes expire.
    pub next_poll: Deadline,
    verifier: Option<PkceCodeVerifier>,
    polling: Polling,
    /// Sends the polls: what a connection needs is made once.
    http: Http,
}

/// Registers a client and asks for a device code. A registration of an earlier login that the server does not accept for this is
/// replaced by a new one, once.
pub fn authorize(
    mut preparation: Preparation,
    context: &Context,
) -> Result<PendingAuthorization, Error> {
    if !preparation.offers_device() {
        return Err(failed(&preparation, DeviceError::Unsupported, context));
    }
    // The answer to a poll may be the tokens: the end of the wait does not cut it off.
    let http = preparation.http.within(super::REQUEST_LIMIT);
    let is_reused = client::has_registration(&preparation, context);
    let mut client = client::register(&preparation, context)?;
    let mut asked = ask(&preparation, &client, &http);
    let refused = asked.as_ref().err().filter(|_| is_reused);
    if let Some(err) = refused.filter(|err| err.may_be_about_client()) {
        log::info!("{err}; registering a new client");
        preparation.has_reregistered = true;
        client = client::register(&preparation, context)?;
        asked = ask(&preparation, &client, &http);
    }
    let (response, verifier) = asked.map_err(|err| failed(&preparation, err, context))?;
    let lifetime = response.lifetime;
    let polling = Polling::new(response.interval);
    let expires = Deadline::after(lifetime);
    let device = DeviceAuthorization {
        next_poll: Deadline::after(polling.pause()).min(expires),
        polling,
        expires,
        expires_at: Time::now().plus(lifetime.as_secs()),
        response,
        verifier,
        http,
    };
    let pending = PendingAuthorization {
        preparation,
        client,
        answer: PendingAnswer::Device(Box::new(device)),
    };
    // The server has accepted the client.
    pending.confirm_client(&context.cache());
    Ok(pending)
}

fn ask(
    preparation: &Preparation,
    client: &Client,
    http: &Http,
) -> Result<(DeviceResponse, Option<PkceCodeVerifier>), DeviceError> {
    let Preparation {
        request,
        discovery,
        scopes,
        ..
    } = preparation;
    let server = &discovery.server;
    let endpoint = server.device_authorization_endpoint.as_ref();
    let extra = request.parameters.iter();
    let extra: Vec<_> = extra
        .filter(|(name, _)| !OF_THE_PAGE.contains(&name.as_str()))
        .cloned()
        .collect();
    let verifier = server
        .check_pkce(false)
        .is_ok()
        .then(|| PkceCodeChallenge::new_random_sha256().1);
    let response = DeviceRequest {
        endpoint: endpoint.ok_or(DeviceError::Unsupported)?,
        client,
        scopes,
        resource: discovery.resource.as_deref(),
        extra: &extra,
        has_form_response: preparation
            .provider()
            .is_some_and(|provider| provider.device.has_form_responses),
        http,
    }
    .send(verifier.as_ref())?;
    Ok((response, verifier))
}

/// Returns the failure of a login with a device code.
fn failed(preparation: &Preparation, source: DeviceError, context: &Context) -> Error {
    Error::Device {
        server: preparation.request.key.server.clone(),
        provider: preparation.provider(),
        with_dpop: preparation.with_dpop(source.wants_proof(), context),
        source,
    }
}

/// Polls once; returns the tokens if they come, else notes when the next poll is due.
pub fn poll(
    pending: &mut PendingAuthorization,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Option<Tokens>, Error> {
    let PendingAuthorization {
        preparation,
        client,
        answer: PendingAnswer::Device(device),
    } = pending
    else {
        return Ok(None);
    };
    let request = preparation.token_request(client, &device.http, worker.deadline);
    let (verifier, expires) = (device.verifier.as_ref(), device.expires);
    match request.poll(&device.response, verifier, &mut device.polling, expires) {
        Ok(Some(tokens)) => {
            completion::warn_of_clock(tokens.issued_at);
            return Ok(Some(tokens));
        }
        Ok(None) => {}
        Err(DeviceError::Http(err)) if may_pass(&err) => {
            if device.polling.is_answered() {
                warn_user!(Retrying, "the token endpoint does not answer; trying again");
            }
            log::info!("{err}");
            device.polling.unanswered(!err.is_unsent());
        }
        Err(err) => return Err(failed(preparation, err, context)),
    }
    device.next_poll = Deadline::after(device.polling.pause()).min(device.expires);
    Ok(None)
}

/// Tells whether a later poll may be answered though this one was not.
fn may_pass(err: &crate::http::HttpError) -> bool {
    use crate::http::HttpError::{Authorities, TooLarge};
    !err.is_security() && !matches!(err, Authorities(_) | TooLarge(_))
}

/// Returns the failure of a login whose code has expired.
pub fn expired(pending: &PendingAuthorization, context: &Context) -> Error {
    let expired = DeviceError::Ended(DeviceEnd::Expired);
    failed(&pending.preparation, expired, context)
}
