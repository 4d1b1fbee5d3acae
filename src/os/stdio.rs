//! Stdin, stdout and pipes as streams that can be waited for. Windows can wait for sockets only: there a thread reads the
//! stream, and passes what comes on through a pair of sockets.

use std::fs::File;
use std::io::{self, PipeReader, Read};

use super::poll::BorrowedFd;

pub use platform::{read_stdin, stdin, stdin_file, PollableReader};

/// How much a pipe should hold that large messages pass through, in bytes.
#[cfg(target_os = "linux")]
const WIDE_BYTES: usize = 1024 * 1024;

/// Stdin as a reader of its own.
#[derive(Debug)]
pub struct Stdin;

impl Stdin {
    /// Prepares to read large messages.
    ///
    /// # Errors
    ///
    /// If there is no stdin.
    pub fn open() -> io::Result<Self> {
        stdin()?;
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdin(), WIDE_BYTES);
        Ok(Self)
    }
}

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_stdin(into)
    }
}

/// Returns stdout as a file of its own, which writes at once, and large messages in few turns.
///
/// # Errors
///
/// If there is no stdout.
pub fn stdout_file() -> io::Result<File> {
    let file = platform::stdout_file()?;
    // It may be no pipe, or the system may allow no more.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&file, WIDE_BYTES);
    Ok(file)
}

/// Waits until a file takes something, after it said that it takes nothing now.
pub fn wait_to_write(file: &File) {
    #[cfg(unix)]
    let _ = super::poll::is_ready(file, super::poll::PollFlags::OUT, None);
    #[cfg(windows)]
    let _ = file; // A write waits by itself.
}

#[cfg(unix)]
mod platform {
    use super::*;
    use std::os::fd::AsFd as _;

    /// A pipe that can be waited for.
    pub type PollableReader = PipeReader;

    /// Returns stdin, to wait for what comes.
    ///
    /// # Errors
    ///
    /// If it cannot be read at all.
    pub fn stdin() -> io::Result<BorrowedFd<'static>> {
        Ok(rustix::stdio::stdin())
    }

    /// Reads what has come on stdin. To be called when it is readable.
    ///
    /// # Errors
    ///
    /// What the operating system reports.
    pub fn read_stdin(into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), into)?)
    }

    /// Returns stdin as an open file, such as a lock that was passed on.
    ///
    /// # Errors
    ///
    /// If there is no stdin.
    pub fn stdin_file() -> io::Result<File> {
        Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }

    pub(super) fn stdout_file() -> io::Result<File> {
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }
}

#[cfg(windows)]
mod platform {
    use super::*;
    use std::io::Write as _;
    use std::net::{Shutdown, TcpStream};
    use std::os::windows::io::{AsHandle as _, AsSocket as _};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::{self, Sender};
    use std::sync::{Mutex, OnceLock};

    use crate::os::socket;
    use crate::os::sync::{lock, start_thread};

    /// How much is read at once, in bytes.
    const CHUNK_BYTES: usize = 64 * 1024;

    /// A pipe that can be waited for.
    pub type PollableReader = TcpStream;

    /// What the thread reads from stdin goes through this socket. It reads only when somebody waits: what is typed after an
    /// answer belongs to the next program, and a read that has begun is not changed by another mode of the console.
    struct StdinPump {
        socket: TcpStream,
        wanted: Mutex<Sender<()>>,
    }

    static STDIN: OnceLock<Option<StdinPump>> = OnceLock::new();

    /// Whether the thread is reading, and how many bytes it has read that nobody has taken yet.
    static IS_READING: AtomicBool = AtomicBool::new(false);
    static UNTAKEN_BYTES: AtomicUsize = AtomicUsize::new(0);

    fn start() -> io::Result<StdinPump> {
        let (ours, its) = socket::pair()?;
        ours.set_nonblocking(true)?;
        let (wanted, wishes) = mpsc::channel();
        let work = move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            for () in wishes {
                let count = io::stdin().lock().read(&mut chunk).unwrap_or(0);
                UNTAKEN_BYTES.fetch_add(count, Ordering::SeqCst);
                IS_READING.store(count == 0, Ordering::SeqCst);
                if count == 0 || (&its).write_all(&chunk[..count]).is_err() {
                    break;
                }
            }
            let _ = its.shutdown(Shutdown::Both);
        };
        start_thread("stdin", work)?;
        let wanted = Mutex::new(wanted);
        Ok(StdinPump {
            socket: ours,
            wanted,
        })
    }

    fn pump() -> io::Result<&'static StdinPump> {
        let pump = STDIN.get_or_init(|| start().ok());
        pump.as_ref()
            .ok_or_else(|| io::Error::other("stdin cannot be read"))
    }

    /// Returns stdin, to wait for what comes.
    ///
    /// # Errors
    ///
    /// If it cannot be read at all.
    pub fn stdin() -> io::Result<BorrowedFd<'static>> {
        let pump = pump()?;
        let is_idle = UNTAKEN_BYTES.load(Ordering::SeqCst) == 0;
        if is_idle && !IS_READING.swap(true, Ordering::SeqCst) {
            let wanted = lock(&pump.wanted);
            // A thread that has ended has closed the socket, which is then readable.
            let _ = wanted.send(());
        }
        Ok(pump.socket.as_socket())
    }

    /// Reads what has come on stdin. To be called when it is readable.
    ///
    /// # Errors
    ///
    /// What the operating system reports.
    pub fn read_stdin(into: &mut [u8]) -> io::Result<usize> {
        let count = (&pump()?.socket).read(into)?;
        UNTAKEN_BYTES.fetch_sub(count, Ordering::SeqCst);
        Ok(count)
    }

    /// Returns stdin as an open file, such as a lock that was passed on.
    ///
    /// # Errors
    ///
    /// If there is no stdin.
    pub fn stdin_file() -> io::Result<File> {
        Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
    }

    pub(super) fn stdout_file() -> io::Result<File> {
        Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
    }

    pub(super) fn pollable(mut pipe: PipeReader) -> io::Result<PollableReader> {
        let (ours, mut its) = socket::pair()?;
        start_thread("pipe", move || {
            let _ = io::copy(&mut pipe, &mut its);
            let _ = its.shutdown(Shutdown::Both);
        })?;
        Ok(ours)
    }
}

/// Returns a pipe as a stream that can be waited for.
///
/// # Errors
///
/// If the system has no thread or socket for it.
pub fn pollable(pipe: PipeReader) -> io::Result<PollableReader> {
    #[cfg(unix)]
    return Ok(pipe);
    #[cfg(windows)]
    return platform::pollable(pipe);
}
