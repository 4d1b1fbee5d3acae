//! The time of day, and deadlines that also count the hours a laptop sleeps.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};

/// A moment of the calendar, in whole seconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// Returns the present moment.
    pub fn now() -> Self {
        Self(Utc::now().timestamp())
    }

    /// Returns the moment `seconds` later, or the last one there is.
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    /// Returns the seconds from now until this moment; negative once it has passed.
    pub fn seconds_left(self) -> i64 {
        self.0.saturating_sub(Self::now().0)
    }

    /// Returns the moment as RFC 3339 text, such as `2030-01-02T03:04:05Z`.
    pub fn rfc3339(self) -> String {
        match Utc.timestamp_opt(self.0, 0).single() {
            Some(time) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
            None => "9999-12-31T23:59:59Z".to_owned(),
        }
    }

    /// Reads RFC 3339 text.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp()))
    }

    /// Reads the date of an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    ///
    /// Spec: RFC 9110 section 5.6.7.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc2822(text).ok().map(|time| Self(time.timestamp()))
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
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

/// The moment at which a wait ends. It goes on counting while the machine is suspended.
#[derive(Clone, Copy, Debug)]
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

    /// Tells whether the moment has come.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Returns the earlier of two deadlines.
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

/// Returns the time since the machine started, suspended time included where the system tells it.
pub fn since_boot() -> Duration {
    use rustix::time::{clock_gettime, ClockId};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_goes_both_ways() {
        let time = Time(1_893_553_445);
        assert_eq!(time.rfc3339(), "2030-01-02T03:04:05Z");
        assert_eq!(Time::parse_rfc3339("2030-01-02T04:04:05+01:00"), Some(time));
        assert_eq!(Time::parse_rfc3339("yesterday"), None);
        assert_eq!(Time::parse_http_date("Wed, 02 Jan 2030 03:04:05 GMT"), Some(time));
        assert_eq!(Time(i64::MAX).plus(9).rfc3339(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn r5_a_deadline_passes() {
        assert!(Deadline::after(Duration::ZERO).passed());
        assert!(!Deadline::after(Duration::from_secs(60)).passed());
    }
}
