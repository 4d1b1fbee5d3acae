//! The callback: sockets that only loopback reaches, the requests that come to them, and the pages that answer these.
//!
//! Every program on this machine can connect here, so `tiny_http::Server` does not serve it: it aborts on one request with a
//! huge `Content-Length`, waits for ever on half a body, and takes a thread for each idle connection. Its responses are
//! used; the requests of strangers are read here.

mod connection;
mod listener;
pub mod pages;
pub mod peer;
mod redirect_target;
pub mod request;

pub use listener::{try_loopback, BindError, Callback, Listener};
pub use redirect_target::{is_refused_by_browsers, RedirectHost, RedirectTarget};
