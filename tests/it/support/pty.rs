//! A pseudo-terminal: the program sees a terminal, the test its other end.

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::fs::{fcntl_setfl, open, Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, tcsetwinsize, LocalModes, Winsize};

use super::PATIENCE;

/// A terminal and all that was shown on it so far.
pub struct Pty {
    master: OwnedFd,
    slave: OwnedFd,
    shown: Vec<u8>,
}

impl Pty {
    pub fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a terminal");
        grantpt(&master)
            .and_then(|()| unlockpt(&master))
            .expect("unlocking the terminal");
        let name = ptsname(&master, Vec::new()).expect("the name of the terminal");
        let slave = open(
            name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .expect("its other end");
        // Wide, so that no sentence is broken that a test looks for.
        tcsetwinsize(
            &slave,
            Winsize {
                ws_row: 24,
                ws_col: 500,
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )
        .expect("a size");
        fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)
            .expect("a terminal that does not block");
        Self {
            master,
            slave,
            shown: Vec::new(),
        }
    }

    /// Returns the program's end.
    pub fn stdio(&self) -> Stdio {
        self.slave.try_clone().expect("a clone").into()
    }

    /// Returns the program's end itself.
    pub fn end(&self) -> &OwnedFd {
        &self.slave
    }

    /// Returns all settings, as `stty -a` would.
    pub fn settings(&self) -> String {
        format!("{:?}", tcgetattr(&self.slave).expect("settings"))
    }

    /// Tells whether the terminal hands over every byte, without echo.
    pub fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave)
            .expect("settings")
            .local_modes
            .intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Types or pastes text.
    pub fn type_in(&mut self, text: &str) {
        let (mut rest, started) = (text.as_bytes(), Instant::now());
        while !rest.is_empty() {
            match rustix::io::write(&self.master, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::AGAIN | Errno::INTR) => std::thread::sleep(Duration::from_millis(1)),
                Err(err) => panic!("cannot type: {err}"),
            }
            self.read();
            assert!(
                started.elapsed() < PATIENCE,
                "nobody reads what is typed; shown: {}",
                self.shown()
            );
        }
    }

    fn read(&mut self) {
        let mut chunk = [0; 4096];
        while let Ok(count) = rustix::io::read(&self.master, &mut chunk) {
            if count == 0 {
                return;
            }
            self.shown.extend_from_slice(&chunk[..count]);
        }
    }

    /// Returns all that was shown so far.
    pub fn shown(&mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Waits until a text is shown.
    pub fn wait_for(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return shown;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{text:?} was not shown, but: {shown}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the terminal hands over every byte, or until it does not any more.
    pub fn wait_until_raw(&mut self, raw: bool) {
        let started = Instant::now();
        while self.is_raw() != raw {
            let shown = self.shown();
            assert!(
                started.elapsed() < PATIENCE,
                "the terminal does not change; shown: {shown}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes the terminal, as a window is closed.
    pub fn close(self) {}
}
