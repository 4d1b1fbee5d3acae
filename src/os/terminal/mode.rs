//! The mode of the terminal: while a paste is awaited it delivers every byte, without echo.

pub(super) use platform::{deliver_every_byte, is_hung_up, set, Mode};

#[cfg(unix)]
mod platform {
    use std::io;
    use std::os::fd::AsFd as _;
    use std::time::Duration;

    use rustix::stdio::stdin;
    use rustix::termios::{
        tcgetattr, tcsetattr, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios,
    };

    use crate::os::poll::{self, PollFlags};

    /// The settings of a terminal.
    pub(in super::super) type Mode = Termios;

    /// Lets the terminal deliver every byte; returns the mode that it had.
    pub(in super::super) fn deliver_every_byte() -> Option<Mode> {
        let before = tcgetattr(stdin()).ok()?;
        let mut during = before.clone();
        during.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        // A wrapped address may be pasted with CR LF; made two line ends, they would cut it in two.
        during.input_modes -= InputModes::ICRNL;
        during.special_codes[SpecialCodeIndex::VMIN] = 0;
        during.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &during).ok()?;
        Some(before)
    }

    /// Gives the terminal a mode that it had.
    pub(in super::super) fn set(mode: &Mode) {
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, mode);
    }

    /// Tells whether the terminal is gone.
    pub(in super::super) fn is_hung_up() -> bool {
        poll::wait(&[(stdin(), PollFlags::IN)], Some(Duration::ZERO))
            .is_ok_and(|ready| ready.iter().any(|flags| flags.contains(PollFlags::HUP)))
    }
}

#[cfg(windows)]
mod platform {
    use winapi_util::{console as input, HandleRef};

    /// The console's input mode.
    ///
    /// Spec: SetConsoleMode.
    pub(in super::super) type Mode = u32;

    /// `ENABLE_LINE_INPUT` and `ENABLE_ECHO_INPUT`. Ctrl-C stays an event, for that is another bit.
    const LINE_AND_ECHO: u32 = 0x2 | 0x4;

    /// Lets the console deliver every character; returns the mode that it had.
    pub(in super::super) fn deliver_every_byte() -> Option<Mode> {
        let before = input::mode(HandleRef::stdin()).ok()?;
        input::set_mode(HandleRef::stdin(), before & !LINE_AND_ECHO).ok()?;
        Some(before)
    }

    /// Gives the console a mode that it had.
    pub(in super::super) fn set(mode: &Mode) {
        let _ = input::set_mode(HandleRef::stdin(), *mode);
    }

    /// A read that returns nothing is the end of the input.
    pub(in super::super) fn is_hung_up() -> bool {
        true
    }
}
