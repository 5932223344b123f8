//! Why a page could not be had.

use std::io;

/// Why a fetch brought no page: one case for each thing a reader of the report would do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The time for this page was up.
    #[error("timed out while {0}")]
    Timeout(&'static str),
    /// The server answered with a status that is no success.
    #[error("status {0}")]
    Status(u16),
    /// The host's name leads to no address.
    #[error("host not found")]
    Dns,
    /// No connection came about.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server could not prove who it is, or does not speak TLS.
    #[error("tls: {0}")]
    Tls(String),
    /// One redirect more than may be followed.
    #[error("more than {0} redirects")]
    TooManyRedirects(usize),
    /// A redirect that leads nowhere: no address in it, or none of the web.
    #[error("redirect to nowhere: {0}")]
    BadRedirect(String),
    /// The connection ended in the middle of the page.
    #[error("cut off in mid-body")]
    BodyCut,
    /// The page is larger than this many bytes.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// No address that could be asked for.
    #[error("bad address: {0}")]
    BadUrl(String),
    /// The server's answer is no HTTP, or stopped before the body.
    #[error("broken answer: {0}")]
    Protocol(String),
    /// The fetch was stopped from outside: nothing is known of the page.
    #[error("abandoned")]
    Abandoned,
}

impl FetchError {
    /// The name under which errors of one kind are counted.
    pub fn kind(&self) -> String {
        match self {
            FetchError::Timeout(_) => "timeout".to_owned(),
            FetchError::Status(status) => format!("status {status}"),
            FetchError::Dns => "host not found".to_owned(),
            FetchError::Connect(_) => "cannot connect".to_owned(),
            FetchError::Tls(_) => "tls".to_owned(),
            FetchError::TooManyRedirects(_) => "too many redirects".to_owned(),
            FetchError::BadRedirect(_) => "bad redirect".to_owned(),
            FetchError::BodyCut => "cut off".to_owned(),
            FetchError::TooLarge(_) => "too large".to_owned(),
            FetchError::BadUrl(_) => "bad address".to_owned(),
            FetchError::Protocol(_) => "broken answer".to_owned(),
            FetchError::Abandoned => "abandoned".to_owned(),
        }
    }

    /// The status the server answered with, if that is what was wrong.
    pub fn status(&self) -> Option<u16> {
        match self {
            FetchError::Status(status) => Some(*status),
            _ => None,
        }
    }

    /// What the client reported before it had an answer's head.
    pub(super) fn of_call(error: ureq::Error) -> FetchError {
        match error {
            ureq::Error::Io(error) if is_name_lookup(&error) => FetchError::Dns,
            ureq::Error::Io(error) => of_io(&error),
            other => FetchError::of_any(other, "waiting for the answer"),
        }
    }

    /// What the client reported while it read an answer's body.
    pub(super) fn of_body(error: ureq::Error) -> FetchError {
        match error {
            // Whatever is wrong with a connection that has delivered a head: the rest is missing.
            ureq::Error::Io(_) | ureq::Error::Protocol(_) | ureq::Error::Decompress(..) => {
                FetchError::BodyCut
            }
            other => FetchError::of_any(other, "reading the body"),
        }
    }

    fn of_any(error: ureq::Error, doing: &'static str) -> FetchError {
        match error {
            // The client says only that the time for the whole was up.
            ureq::Error::Timeout(_) => FetchError::Timeout(doing),
            ureq::Error::HostNotFound => FetchError::Dns,
            ureq::Error::BodyExceedsLimit(limit) => FetchError::TooLarge(limit),
            ureq::Error::BadUri(why) => FetchError::BadUrl(why),
            ureq::Error::Http(why) => FetchError::BadUrl(why.to_string()),
            ureq::Error::Rustls(why) => FetchError::Tls(why.to_string()),
            ureq::Error::Tls(why) => FetchError::Tls(why.to_owned()),
            ureq::Error::ConnectProxyFailed(why) => FetchError::Connect(format!("proxy: {why}")),
            ureq::Error::ConnectionFailed => FetchError::Connect("no route".to_owned()),
            other => FetchError::Protocol(other.to_string()),
        }
    }
}

fn of_io(error: &io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => FetchError::Protocol("the server hung up".to_owned()),
        // What rustls finds wrong with the other side arrives wrapped in this kind; what is wrong
        // with the HTTP inside is no I/O error.
        io::ErrorKind::InvalidData => FetchError::Tls(error.to_string()),
        io::ErrorKind::TimedOut => FetchError::Timeout("connecting"),
        io::ErrorKind::ConnectionRefused => FetchError::Connect("refused".to_owned()),
        _ => FetchError::Connect(error.to_string()),
    }
}

/// Whether the standard library failed to turn a name into an address. It has no error kind for
/// that, only this text.
fn is_name_lookup(error: &io::Error) -> bool {
    error
        .to_string()
        .starts_with("failed to lookup address information")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(kind: io::ErrorKind, text: &'static str) -> FetchError {
        FetchError::of_call(ureq::Error::Io(io::Error::new(kind, text)))
    }

    #[test]
    fn an_error_before_the_answer_is_told_by_its_kind() {
        let lookup = "failed to lookup address information: Name or service not known";
        assert_eq!(call(io::ErrorKind::Other, lookup), FetchError::Dns);
        assert_eq!(
            call(io::ErrorKind::ConnectionRefused, "os error 111"),
            FetchError::Connect("refused".to_owned())
        );
        assert_eq!(call(io::ErrorKind::InvalidData, "bad cert").kind(), "tls");
        assert_eq!(
            call(io::ErrorKind::UnexpectedEof, "eof").kind(),
            "broken answer"
        );
        let timeout = FetchError::of_call(ureq::Error::Timeout(ureq::Timeout::Global));
        assert_eq!(
            timeout.to_string(),
            "timed out while waiting for the answer"
        );
    }

    #[test]
    fn a_connection_lost_in_the_body_is_a_cut_whatever_its_kind() {
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            let error = FetchError::of_body(ureq::Error::Io(kind.into()));
            assert_eq!(error, FetchError::BodyCut);
        }
        let large = FetchError::of_body(ureq::Error::BodyExceedsLimit(7));
        assert_eq!(large, FetchError::TooLarge(7));
    }

    #[test]
    fn statuses_are_counted_apart_and_timeouts_together() {
        assert_eq!(FetchError::Status(404).kind(), "status 404");
        assert_eq!(
            FetchError::Timeout("connecting").kind(),
            FetchError::Timeout("x").kind()
        );
        assert_eq!(
            (FetchError::Status(503).status(), FetchError::Dns.status()),
            (Some(503), None)
        );
    }
}
