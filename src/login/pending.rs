//! An authorization that was requested and is not answered yet.

use super::authorize::Authorization;
use super::device::DeviceAuthorization;
use super::Request;
use crate::context::Context;
use crate::discovery::Discovery;
use crate::failure::LoginCommand;
use crate::http::dpop::Dpop;
use crate::http::{Http, Standby};
use crate::oauth::client::{self, Client, RegistrationKind};
use crate::oauth::text::{printable, scope_list};
use crate::os::clock::Deadline;
use crate::providers::{self, Provider};
use crate::registration;
use crate::store::cache::Cache;
use crate::store::Credentials;
use crate::token_endpoint::TokenRequest;

/// What is known of a login before its client is registered.
pub struct Preparation {
    /// The request, completed from the stored login.
    pub request: Request,
    /// The authorization server.
    pub discovery: Discovery,
    /// The scopes to request.
    pub scopes: Vec<String>,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The stored login that this one replaces.
    pub stored: Option<Credentials>,
    /// The key that the tokens are to be bound to.
    pub dpop: Option<Dpop>,
    /// The server did not know the first registration any more.
    pub has_reregistered: bool,
    /// Sends the requests; what it has connected to serves the exchange as well.
    pub http: Http,
    /// Keeps a connection to the token endpoint open while the answer is awaited.
    pub standby: Option<Standby>,
}

impl Preparation {
    /// Tells whether the server offers logins with a device code.
    pub fn offers_device(&self) -> bool {
        let server = &self.discovery.server;
        server.device_authorization_endpoint.is_some()
    }

    /// Returns a token request of this client, but for what it spends.
    pub fn token_request<'a>(
        &'a self,
        client: &'a Client,
        http: &'a Http,
        retry_until: Deadline,
    ) -> TokenRequest<'a> {
        TokenRequest {
            token_endpoint: &self.discovery.server.token_endpoint,
            client,
            resource: self.discovery.resource.as_deref(),
            dpop: self.dpop.as_ref(),
            http,
            retry_until,
        }
    }

    /// Returns the command that logs in with tokens that are bound to a key, if they are wanted and these were not to be.
    pub fn with_dpop(&self, is_wanted: bool, context: &Context) -> Option<Box<LoginCommand>> {
        (is_wanted && self.dpop.is_none()).then(|| self.request.with_dpop(&context.settings))
    }

    /// Returns the provider whose ways the login follows.
    pub fn provider(&self) -> Option<&'static Provider> {
        provider(&self.request, &self.discovery)
    }
}

/// Returns the provider whose ways a login follows.
pub fn provider(request: &Request, discovery: &Discovery) -> Option<&'static Provider> {
    let of_issuer = || providers::of_url(&discovery.server.issuer);
    request.provider.or_else(of_issuer)
}

/// An authorization that was requested: all that its tokens will be requested with.
pub struct PendingAuthorization {
    /// What was known before.
    pub preparation: Preparation,
    /// The client that asks.
    pub client: Client,
    /// How the answer comes.
    pub answer: PendingAnswer,
}

/// How the answer to an authorization request comes.
pub enum PendingAnswer {
    /// The browser is redirected with it to our redirect URI, or the user pastes it.
    Redirect(Authorization),
    /// The user enters a code on a page of the server, which is polled for the tokens.
    Device(Box<DeviceAuthorization>),
}

impl PendingAuthorization {
    /// Keeps one connection to the token endpoint open from now on, and no other, if one request will follow.
    pub fn stand_by(&mut self) {
        if self.device().is_none() {
            let preparation = &mut self.preparation;
            let token_endpoint = &preparation.discovery.server.token_endpoint;
            if preparation.request.closes_connections {
                preparation.http.close_connections();
            } else {
                preparation.standby = preparation.http.stand_by(token_endpoint);
            }
        }
    }

    /// Returns the authorization request, if the answer comes by redirect.
    pub fn authorization(&self) -> Option<&Authorization> {
        match &self.answer {
            PendingAnswer::Redirect(authorization) => Some(authorization),
            PendingAnswer::Device(_) => None,
        }
    }

    /// Returns the code and the polls, if the user enters a code.
    pub fn device(&self) -> Option<&DeviceAuthorization> {
        match &self.answer {
            PendingAnswer::Redirect(_) => None,
            PendingAnswer::Device(device) => Some(device),
        }
    }

    /// Returns what was asked for, as a part of a sentence, if a page in the user's browser may have refused it.
    pub fn asked(&self) -> Option<String> {
        self.authorization()?;
        let redirect_uri = &self.preparation.redirect_uri;
        Some(format!(
            "client ID {}, redirect URI {redirect_uri}, scopes {}",
            printable(&self.client.id),
            scope_list(&self.preparation.scopes, "none")
        ))
    }

    /// Returns whether a new registration may cure this error: once, and only if the registration was ours.
    pub fn can_reregister(&self, error: &str) -> bool {
        client::is_unknown(error)
            && !self.preparation.has_reregistered
            && self.client.kind == RegistrationKind::Dynamic
    }

    /// Notes that the server knows the client: it has answered with the state of this login.
    pub fn confirm_client(&self, cache: &Cache) {
        let issuer = &self.preparation.discovery.server.issuer;
        registration::mark_confirmed(cache, issuer, &self.client);
    }
}
