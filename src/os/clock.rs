//! The time of day, and deadlines that also count the hours a laptop sleeps.

use std::time::Duration;

use chrono::{DateTime, ParseResult, SecondsFormat, TimeZone, Utc};

/// A moment of the calendar, in whole seconds since 1970, UTC. What lies outside the years 0 to 9999, which RFC 3339 text
/// cannot name, counts as the first or the last moment of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

/// The first moment that RFC 3339 text can name, `0000-01-01T00:00:00Z`, in seconds since 1970.
const EARLIEST: i64 = -62_167_219_200;

/// The last moment that RFC 3339 text can name, `9999-12-31T23:59:59Z`, in seconds since 1970.
const LATEST: i64 = 253_402_300_799;

impl Time {
    /// Returns the present moment.
    pub fn now() -> Self {
        Self::at(Utc::now().timestamp())
    }

    /// Returns the moment `seconds` after 1970, or the first or last one that can be stored.
    pub fn at(seconds: i64) -> Self {
        Self(seconds.clamp(EARLIEST, LATEST))
    }

    /// Returns the seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0
    }

    /// Returns the moment `seconds` later, or the last one that can be stored.
    pub fn plus(self, seconds: u64) -> Self {
        Self::at(self.0.saturating_add_unsigned(seconds))
    }

    /// Returns the seconds from an earlier moment until this one; negative if it is a later one.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the seconds from now until this moment; negative once it has passed.
    pub fn seconds_left(self) -> i64 {
        self.seconds_since(Self::now())
    }

    /// Tells whether this moment has passed.
    pub fn has_passed(self) -> bool {
        self.seconds_left() <= 0
    }

    /// Says how far the clock of this computer is from a server's, for which it is this moment now; `None` if that is not more
    /// than a tolerance.
    pub fn clock_difference(self, tolerance: Duration) -> Option<String> {
        let left = self.seconds_left();
        let off = Duration::from_secs(left.unsigned_abs());
        let direction = if left < 0 { "ahead of" } else { "behind" };
        (off > tolerance).then(|| {
            let off = in_words(off);
            format!("the clock of this computer is {off} {direction} the server's")
        })
    }

    /// Returns the moment as RFC 3339 text, such as `2030-01-02T03:04:05Z`.
    pub fn rfc3339(self) -> String {
        // `at` has let nothing else in.
        let time = DateTime::from_timestamp(self.0, 0).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Reads RFC 3339 text.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Self::read(DateTime::parse_from_rfc3339(text))
    }

    /// Reads RFC 3339 text, or such text with a year of more than four digits, which earlier versions of this program
    /// wrote into the store.
    fn parse_stored(text: &str) -> Option<Self> {
        if !text.starts_with(['+', '-']) {
            return Self::parse_rfc3339(text);
        }
        Self::read(text.parse::<DateTime<Utc>>())
    }

    /// Reads the date of an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Spec: RFC 9110 section 5.6.7.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        Self::read(DateTime::parse_from_rfc2822(text))
    }

    fn read<Z: TimeZone>(parsed: ParseResult<DateTime<Z>>) -> Option<Self> {
        parsed.ok().map(|time| Self::at(time.timestamp()))
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse_stored(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// Longest wait for a deadline in one piece.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The moment at which a wait ends. It goes on counting while the machine is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// Returns the deadline that lies `timeout` ahead.
    pub fn after(timeout: Duration) -> Self {
        Self(since_boot().saturating_add(timeout))
    }

    /// Returns what is left, zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(since_boot())
    }

    /// Returns how long to wait before the deadline is looked at again. The system does not count suspended time as waited, so
    /// that a wait in one piece would end that much too late.
    pub fn wait(self) -> Duration {
        self.left().min(MAX_WAIT)
    }

    /// Tells whether the moment has come.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }
}

/// Returns the time since the machine started, suspended time included where the system tells it.
#[cfg(unix)]
pub fn since_boot() -> Duration {
    use rustix::time::{clock_gettime, ClockId};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// Returns a time that only grows: the standard library's clock, which counts suspended time on Windows, from the time of day at
/// which it was asked first.
#[cfg(windows)]
pub fn since_boot() -> Duration {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime};
    static START: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (start, since_1970) = START.get_or_init(|| {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        (Instant::now(), since_1970.unwrap_or_default())
    });
    *since_1970 + start.elapsed()
}

/// Returns a length of time as people say it, such as `10 min` or `1 min 30 s`; days from two on.
pub fn in_words(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    let days = if hours >= 48 { hours / 24 } else { 0 };
    let (minutes, seconds) = (time.as_secs() / 60 % 60, time.as_secs() % 60);
    let parts = [
        (days, "d"),
        (hours - days * 24, "h"),
        (minutes, "min"),
        (seconds, "s"),
    ];
    let said: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    match said.is_empty() {
        true => "0 s".to_owned(),
        false => said.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rfc3339_go_both_ways() {
        let time = Time::at(1_893_553_445);
        assert_eq!(time.rfc3339(), "2030-01-02T03:04:05Z");
        assert_eq!(Time::parse_rfc3339("2030-01-02T04:04:05+01:00"), Some(time));
        assert_eq!(Time::parse_rfc3339("yesterday"), None);
        assert_eq!(
            Time::parse_http_date("Wed, 02 Jan 2030 03:04:05 GMT"),
            Some(time)
        );
        assert_eq!(Time::at(i64::MAX).plus(9).rfc3339(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn e9_every_time_can_be_stored() {
        for seconds in [
            i64::MIN,
            EARLIEST - 1,
            EARLIEST,
            -1,
            0,
            1_893_553_445,
            LATEST,
            LATEST + 1,
            1_893_553_445_000, // milliseconds, as some servers write `client_secret_expires_at`
            8_210_266_876_799, // the last moment that chrono knows
            8_210_266_876_800,
            i64::MAX,
        ] {
            let text = serde_json::to_string(&Time::at(seconds)).expect("JSON");
            let read: Time = serde_json::from_str(&text)
                .unwrap_or_else(|err| panic!("{seconds}: {text}: {err}"));
            assert_eq!(read, Time::at(seconds), "{text}");
            assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
            assert_eq!(
                Time::parse_rfc3339(text.trim_matches('"')),
                Some(read),
                "{text}"
            );
        }
        for (stored, expected) in [
            ("+61974-03-12T17:23:20Z", Some(LATEST)),
            ("+10000-01-01T00:00:00Z", Some(LATEST)),
            ("-0044-03-15T12:00:00Z", Some(EARLIEST)),
            ("9999-12-31T23:59:59-23:00", Some(LATEST)),
            ("+99999999-01-01T00:00:00Z", None),
            ("+", None),
            ("", None),
        ] {
            let read = serde_json::from_value::<Time>(stored.into()).ok();
            assert_eq!(read.map(|time| time.0), expected, "{stored}");
        }
    }

    #[test]
    fn r5_a_deadline_passes() {
        assert!(Deadline::after(Duration::ZERO).passed());
        assert!(!Deadline::after(Duration::from_secs(60)).passed());
    }

    #[test]
    fn r5_a_deadline_is_looked_at_again_soon_after_a_suspension() {
        for (timeout, longest) in [(0, 0), (20, 20), (300, 30), (86_400, 30), (u64::MAX, 30)] {
            let wait = Deadline::after(Duration::from_secs(timeout)).wait();
            assert!(wait <= Duration::from_secs(longest), "{timeout}: {wait:?}");
        }
    }

    #[test]
    fn times_in_words() {
        for (seconds, expected) in [
            (0, "0 s"),
            (45, "45 s"),
            (600, "10 min"),
            (90, "1 min 30 s"),
            (3600, "1 h"),
            (36 * 3600, "36 h"),
            (60 * 86_400, "60 d"),
            (50 * 3600 + 60, "2 d 2 h 1 min"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }
}
