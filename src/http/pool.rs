//! The connections that requests share, one agent for each kind of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::{Agent, ProxyProtocol};
use url::Url;

use super::connector;
use super::open::OpenConnections;
use super::proxy::ProxyChoice;
use super::resolver::{bare_host, PolicedResolver, TypedHost};
use super::tls;
use super::{HttpError, HttpSettings, MAX_HEAD_BYTES};
use crate::os::sync::lock;

/// Most connections that stay open for further requests.
const MAX_IDLE_CONNECTIONS: usize = 32;

/// How long a connection stays open for further requests where nothing says how long they may come.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// The size of the two buffers of a connection, in bytes: more than a head may have, so that one that is too large is noticed.
pub const BUFFER_BYTES: usize = MAX_HEAD_BYTES + 16 * 1024;

/// What requests share.
pub struct Pool {
    settings: HttpSettings,
    /// Finds addresses, and knows which are allowed.
    pub resolver: PolicedResolver,
    /// The connections.
    pub open: Arc<OpenConnections>,
    agents: Mutex<Vec<PooledAgent>>,
}

/// The agent for one kind of connection, made when it is first needed.
struct PooledAgent {
    secure: bool,
    proxy: Option<ProxyChoice>,
    agent: Agent,
}

impl Pool {
    /// Starts without connections, for requests to what the user typed and to public addresses.
    pub fn new(settings: HttpSettings, typed: Vec<TypedHost>) -> Self {
        Self {
            settings,
            resolver: PolicedResolver::new(typed),
            open: Arc::default(),
            agents: Mutex::default(),
        }
    }

    /// Returns the agent for a URL that is asked so, whose connections stay open for as long as `idle`; certificates are only
    /// read where there is TLS.
    pub fn agent(
        &self,
        url: &Url,
        proxy: Option<&ProxyChoice>,
        idle: Option<Duration>,
    ) -> Result<Agent, HttpError> {
        let secure_proxy =
            proxy.is_some_and(|chosen| chosen.proxy.protocol() == ProxyProtocol::Https);
        let secure = url.scheme() == "https" || secure_proxy;
        let mut agents = lock(&self.agents);
        let is_same = |it: &&PooledAgent| it.secure == secure && it.proxy.as_ref() == proxy;
        if let Some(pooled) = agents.iter().find(is_same) {
            return Ok(pooled.agent.clone());
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEAD_BYTES)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .max_idle_age(idle.unwrap_or(IDLE_LIMIT))
            .input_buffer_size(BUFFER_BYTES)
            .output_buffer_size(BUFFER_BYTES)
            .proxy(proxy.map(|chosen| chosen.proxy.clone()));
        if secure {
            tls::prepare(&self.settings)?;
        }
        let resolver = self
            .resolver
            .behind(proxy.map(|chosen| bare_host(chosen.proxy.host())));
        let agent = Agent::with_parts(
            config.build(),
            connector::connector(&self.settings, proxy.is_some(), &self.open),
            resolver,
        );
        agents.push(PooledAgent {
            secure,
            proxy: proxy.cloned(),
            agent: agent.clone(),
        });
        Ok(agent)
    }
}
