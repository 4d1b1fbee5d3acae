//! The one login that the bridge may start by itself, if the user allows it: requests wait for it, but not long.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::Bridge;
use crate::error::Error;
use crate::failure::{Code, Hint, LoginCommand};
use crate::os::sync::{lock, wait};

/// Longest time from a request to its answer while the login is open.
const PATIENCE: Duration = Duration::from_secs(9);

/// The login, which is started once.
#[derive(Default)]
pub struct AllowedLogin {
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum Progress {
    #[default]
    NotStarted,
    Open,
    Ended(Instant, Result<(), Error>),
}

/// Returns the login that would help; none, if it would ask for more than the stored one.
fn helpful_login(err: &Error) -> Option<Box<LoginCommand>> {
    let report = err.report();
    let (Hint::Login(login) | Hint::Else(_, login)) = report.hint? else {
        return None;
    };
    let is_larger = login.options.iter().any(|option| option == "--challenge");
    (report.code == Code::NotLoggedIn && !is_larger).then_some(login)
}

impl Bridge {
    /// Tells whether a request that began at `began` and failed may be sent again, because a login was made meanwhile.
    ///
    /// # Errors
    ///
    /// What the client is told instead of `err`.
    pub fn log_in(self: &Arc<Self>, began: Instant, err: Error) -> Result<(), Error> {
        let Some(command) = helpful_login(&err).filter(|_| self.person.may_log_in()) else {
            return Err(err);
        };
        let mut progress = lock(&self.login.progress);
        loop {
            match &*progress {
                Progress::NotStarted => {
                    let (bridge, command) = (Arc::clone(self), command.clone());
                    let thread = thread::Builder::new().spawn(move || {
                        let ended = bridge.person.log_in(&command);
                        *lock(&bridge.login.progress) = Progress::Ended(Instant::now(), ended);
                        bridge.login.changed.notify_all();
                    });
                    if let Err(source) = thread {
                        log::info!("no thread can be started for the login: {source}");
                        return Err(err);
                    }
                    *progress = Progress::Open;
                }
                Progress::Open => {
                    let left = PATIENCE.saturating_sub(began.elapsed());
                    if left.is_zero() {
                        return Err(Error::NotLoggedIn {
                            message: format!(
                                "{} needs a login, which is open in the browser",
                                self.upstream.server
                            ),
                            hint: "finish it there, and try again".into(),
                        });
                    }
                    progress = wait(&self.login.changed, progress, left);
                }
                Progress::Ended(at, Ok(())) if *at > began => return Ok(()),
                Progress::Ended(at, Err(failure)) if *at > began => {
                    return Err(Error::Reported(failure.report()))
                }
                Progress::Ended(..) => return Err(err),
            }
        }
    }
}
