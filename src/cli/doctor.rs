//! The command line of the doctor: that of the login which is examined.

use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::Args;

use super::{values, ClientArgs, LoginArgs, PlaceArgs, ProviderArgs, RedirectArgs, RequestArgs};

/// The options of an examination: those of the login that is wanted.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The MCP server, as at the login [default: only the machine is examined]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    /// As for a login without a browser
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_browser: bool,

    /// As for a login with this browser
    #[arg(
        long,
        env = "MCP_LOGIN_BROWSER",
        value_name = "COMMAND",
        conflicts_with = "no_browser",
        hide_env = true
    )]
    pub browser: Option<String>,

    /// As for a login that reads pasted answers from stdin
    #[arg(long, env = "MCP_LOGIN_PASTE", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub paste: bool,

    /// As for a login that never reads stdin
    #[arg(long, env = "MCP_LOGIN_NO_PASTE", value_parser = FalseyValueParser::new(), conflicts_with = "paste", hide_env = true)]
    pub no_paste: bool,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub provider: ProviderArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub client: ClientArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub redirect: RedirectArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub request: RequestArgs,
}

impl DoctorArgs {
    /// Returns the options of the login that is examined.
    pub fn login(&self) -> LoginArgs {
        LoginArgs {
            servers: self.server.iter().cloned().collect(),
            all: false,
            from: None,
            no_browser: self.no_browser,
            browser: self.browser.clone(),
            paste: self.paste,
            no_paste: self.no_paste,
            timeout: Duration::ZERO,
            force: false,
            login_hint: None,
            handover: None,
            places: PlaceArgs::default(),
            provider: self.provider.clone(),
            client: self.client.clone(),
            redirect: self.redirect.clone(),
            request: self.request.clone(),
        }
    }
}
