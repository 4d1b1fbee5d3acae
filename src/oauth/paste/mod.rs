//! Pasted text: the authorization response in it, or why there is none.
//!
//! People copy the address out of browsers, terminals, chats and logs, so it comes quoted, wrapped, cut into lines, in
//! the middle of a sentence or in part. What is found is not trusted: it is checked as a callback is.

use std::borrow::Cow;
use std::fmt;

use url::{form_urlencoded, Url};

use super::text::{self, is_plain};

/// The most that is read as one paste. Real answers stay under 8 KiB.
pub const MAX_PASTE_BYTES: usize = 64 * 1024;

/// Most wrappings that are removed from an address, as in `(**[…]**)`.
const MAX_WRAPPINGS: usize = 4;

/// Wrappings that may also be part of an address, and so count only in pairs.
const WRAPPINGS: [(char, char); 4] = [('(', ')'), ('[', ']'), ('{', '}'), ('*', '*')];

/// What one paste is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasteContent {
    /// An authorization response, not yet checked.
    Answer(PastedResponse),
    /// Something else.
    NotAnAnswer(PasteMistake),
    /// Nothing to be seen.
    Empty,
}

/// An authorization response as it was pasted. Its `Debug` shows no part of the code.
#[derive(Clone, PartialEq, Eq)]
pub struct PastedResponse {
    /// The parameters, still percent-encoded, without the leading `?` or `#`.
    pub query: String,
    /// The address without its parameters, if the paste held a whole URL.
    pub place: Option<Url>,
}

impl fmt::Debug for PastedResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_ref().map(Url::as_str);
        formatter
            .debug_struct("PastedResponse")
            .field("place", &place)
            .finish_non_exhaustive()
    }
}

/// Why a paste is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasteMistake {
    /// It is the authorization request, which we printed ourselves.
    SignInPage,
    /// It is a code without the state that would tie it to this login.
    BareCode,
    /// It has neither a code nor an error.
    Unreadable,
    /// It has more than [`MAX_PASTE_BYTES`] bytes.
    TooLong,
}

impl PasteMistake {
    /// Tells the person what it is and what to paste instead.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SignInPage => "this is the sign-in page; open it, then paste the address you land on",
            Self::BareCode => {
                "this is only a code; paste the whole address, which also proves that it belongs to this login"
            }
            Self::Unreadable => "this is not the address of the last page; sign in first, then paste that whole address",
            Self::TooLong => "this is longer than 64 KiB; paste only the address you land on",
        }
    }
}

/// Finds the answer in `text`.
///
/// An address that was cut into lines is put together again; see `join_lines`. If there are several answers, one with
/// a state beats one without, then one that had to be put together beats its parts, then the last beats the first:
/// who pastes twice means the second.
///
/// Spec: RFC 6749 sections 4.1.2 and 4.1.2.1.
pub fn read(text: &str) -> PasteContent {
    if text.len() > MAX_PASTE_BYTES {
        return PasteContent::NotAnAnswer(PasteMistake::TooLong);
    }
    // No address holds a backslash: it comes from a shell, or from JSON.
    let text = clean(text.as_bytes())
        .replace("\\u0026", "&")
        .replace('\\', "");
    let joined = join_lines(&text);
    let parts: Vec<_> = readings(&text).collect();
    let found =
        parts
            .iter()
            .cloned()
            .chain(readings(&joined))
            .max_by_key(|reading| match reading {
                PasteContent::Answer(answer)
                    if names(&answer.query).any(|name| name == "state") =>
                {
                    2
                }
                PasteContent::Answer(_) => 1,
                PasteContent::NotAnAnswer(_) | PasteContent::Empty => 0,
            });
    let found = found.map(|found| match found {
        PasteContent::Answer(answer) => PasteContent::Answer(with_repetitions(answer, &parts)),
        other => other,
    });
    let mut words = words(&joined);
    found.unwrap_or_else(|| match (words.next(), words.next()) {
        (None, _) => PasteContent::Empty,
        (Some(word), None) => read_code(word),
        _ => PasteContent::NotAnAnswer(PasteMistake::Unreadable),
    })
}

/// Returns an answer, or in its place the part of it that has a parameter twice: what a line before it has made of the name of
/// the first one does not hide that. A line that ends in `_` may have begun that name.
fn with_repetitions(answer: PastedResponse, parts: &[PasteContent]) -> PastedResponse {
    let repeats = |query: &str| {
        let count = |wanted| names(query).filter(|name| name == wanted).count();
        ["code", "state", "error", "iss"]
            .iter()
            .any(|name| count(*name) > 1)
    };
    let is_hidden = |part: &&PastedResponse| {
        let before = answer.query.split_once(&part.query).map(|it| it.0);
        before.is_some_and(|it| !it.is_empty() && !it.ends_with('_')) && repeats(&part.query)
    };
    let answers = parts.iter().filter_map(|part| match part {
        PasteContent::Answer(answer) => Some(answer),
        _ => None,
    });
    let hidden = answers.rev().find(is_hidden).cloned();
    hidden.filter(|_| !repeats(&answer.query)).unwrap_or(answer)
}

/// Returns `bytes` as text without what a person neither sees nor means: terminal sequences, among them the marks that
/// frame a paste, whole or torn; control and zero-width characters. Every kind of space is a space, and every kind of
/// line end is a line feed.
pub fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    loop {
        if let Some(after) = after_escape(rest) {
            rest = after;
            continue;
        }
        let mut characters = rest.chars();
        let Some(next) = characters.next() else { break };
        rest = characters.as_str();
        match next {
            '\r' if rest.starts_with('\n') => {}
            '\r' | '\n' => kept.push('\n'),
            _ if next.is_whitespace() => kept.push(' '),
            _ if next.is_control() || is_invisible(next) => {}
            _ => kept.push(next),
        }
    }
    without_torn_marks(&kept).to_owned()
}

fn is_invisible(character: char) -> bool {
    let zero_width = matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
    );
    zero_width || text::is_bidi_control(character)
}

/// Returns what follows the terminal sequence, or the torn beginning of one, that `text` begins with.
///
/// Spec: ECMA-48 sections 5.3 and 5.4; ECMA-35 section 13.2.
fn after_escape(text: &str) -> Option<&str> {
    let body = text.strip_prefix('\u{1b}');
    // After a mark that was torn, the first letter of the answer would pass for the end of the sequence.
    let torn = body.map(|body| {
        body.strip_prefix('[')
            .map_or(body, |body| body.trim_start_matches(['0', '1', '2']))
    });
    torn.filter(|rest| {
        let rest = rest.trim_start_matches(['?', '#']);
        ["http", "code=", "state=", "error=", "iss="]
            .iter()
            .any(|start| rest.starts_with(start))
    })
    .or_else(|| text::after_sequence(text))
    .or_else(|| {
        body?
            .trim_start_matches(text::is_intermediate)
            .strip_prefix(|last| matches!(last, '0'..='~'))
    })
}

/// Returns `text` without the marks of a paste whose escape character, or more, was lost on the way.
fn without_torn_marks(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some(inner) = ["^[[200~", "[200~", "200~", "00~", "0~", "~"]
        .iter()
        .find_map(|mark| rest.strip_prefix(mark))
    {
        rest = inner.trim_start();
    }
    while let Some(inner) = ["^[[201~", "[201~"]
        .iter()
        .find_map(|mark| rest.strip_suffix(mark))
    {
        rest = inner.trim_end();
    }
    rest
}

/// Puts lines together that a terminal or a mail program has cut.
///
/// A line goes on with the one before if it is a single word, since an address holds no space. It does not if it is
/// empty, or if the lines so far hold an answer already and this one has, or begins, an answer of its own.
fn join_lines(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut is_answered = false;
    for line in text.lines() {
        let line = unframed(line);
        let answers = readings(line).any(|reading| matches!(reading, PasteContent::Answer(_)));
        let begins = (answers || url_starts(line).next() == Some(0)) && !ends_in_name(&joined);
        if line.is_empty() || line.contains(char::is_whitespace) || (is_answered && begins) {
            joined.push('\n');
            is_answered = false;
        }
        joined.push_str(line);
        is_answered |= answers;
    }
    joined
}

/// Takes off what a terminal or a mail program put around a line: indentation, the sides of a box, marks of quotation.
fn unframed(line: &str) -> &str {
    let mut line = line.trim_matches([' ', '│']);
    while let Some(inner) = line.strip_prefix("> ") {
        line = inner.trim_start();
    }
    line
}

/// Returns the words between spaces and between marks that no address holds.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |next: char| next.is_whitespace() || "\"'`<>│“”„‘’‚«»".contains(next);
    text.split(ends).filter(|word| !word.is_empty())
}

/// Returns the answers and the sign-in pages in `text`, in its order.
fn readings(text: &str) -> impl Iterator<Item = PasteContent> + '_ {
    words(text).flat_map(pieces).filter_map(|piece| {
        // What looks like a wrapping may be an address, as in `[::1]:8080/callback?…`.
        read_piece(unwrapped(piece)).or_else(|| read_piece(piece))
    })
}

/// Cuts `word` where an address begins, or the wrapping around it.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    let starts = url_starts(word).map(|start| {
        let before = word.get(..start).unwrap_or_default();
        let openings = before
            .chars()
            .rev()
            .take(MAX_WRAPPINGS)
            .take_while(|next| WRAPPINGS.iter().any(|(open, _)| open == next));
        start - openings.count()
    });
    starts
        .chain([word.len()])
        .filter_map(move |start| word.get(std::mem::replace(&mut from, start)..start))
}

/// Returns where in `word` an `http` or `https` URL begins that is not the value of a parameter, as in `iss=https://…`.
fn url_starts(word: &str) -> impl Iterator<Item = usize> + '_ {
    word.match_indices("://").filter_map(|(end, _)| {
        let before = word.get(..end)?;
        let start = ["https", "http"].iter().find_map(|scheme| {
            let start = end.checked_sub(scheme.len())?;
            before
                .get(start..)?
                .eq_ignore_ascii_case(scheme)
                .then_some(start)
        })?;
        (!ends_in_name(before.get(..start)?)).then_some(start)
    })
}

/// Tells whether the value of a parameter has to follow.
fn ends_in_name(text: &str) -> bool {
    text.strip_suffix('=').is_some_and(|name| {
        let before =
            name.trim_end_matches(|next: char| next.is_ascii_alphanumeric() || next == '_');
        name == "iss" || (before.len() < name.len() && before.ends_with(['?', '&', '#']))
    })
}

/// Removes the wrappings of `piece`, each with all that follows it, such as the full stop of the sentence.
fn unwrapped(mut piece: &str) -> &str {
    for _ in 0..MAX_WRAPPINGS {
        let inner = WRAPPINGS
            .iter()
            .find_map(|&(open, close)| Some((piece.strip_prefix(open)?, close)));
        let Some((inner, close)) = inner else { break };
        piece = inner.rsplit_once(close).map_or(inner, |(inner, _)| inner);
    }
    piece
}

/// Reads a URL or a part of one, if it is an answer or a sign-in page.
fn read_piece(piece: &str) -> Option<PasteContent> {
    let is_html = ["&amp;code=", "&amp;state=", "&amp;error="]
        .iter()
        .any(|escaped| piece.contains(escaped));
    let piece = if is_html {
        Cow::from(piece.replace("&amp;", "&"))
    } else {
        Cow::from(piece)
    };
    let (front, fragment) = piece.split_once('#').unwrap_or((&piece, ""));
    let (address, query) = match front.split_once('?') {
        Some(parts) => parts,
        None if is_url(front) => (front, ""),
        None => ("", front),
    };
    if [query, fragment].into_iter().any(is_sign_in_page) {
        return Some(PasteContent::NotAnAnswer(PasteMistake::SignInPage));
    }
    let query = [query, fragment]
        .into_iter()
        .find(|part| is_answer(part))?
        .to_owned();
    let place = if is_url(address) {
        Url::parse(address).ok()
    } else {
        None
    };
    Some(PasteContent::Answer(PastedResponse { query, place }))
}

/// Tells a URL from `localhost:8080/callback`, whose host would pass for a scheme, and from parameters that hold a URL.
fn is_url(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, _)| !scheme.is_empty() && is_plain(scheme, "+-."))
}

fn is_answer(query: &str) -> bool {
    names(query).any(|name| name == "code" || name == "error")
}

fn is_sign_in_page(query: &str) -> bool {
    let has = |wanted| names(query).any(|name| name == wanted);
    has("code_challenge")
        || (has("client_id") && (has("redirect_uri") || has("response_type")) && !is_answer(query))
}

/// Returns the decoded names of the parameters that have a value.
fn names(query: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let pairs = query.split('&').filter(|pair| pair.contains('='));
    pairs
        .flat_map(|pair| form_urlencoded::parse(pair.as_bytes()))
        .map(|(name, _)| name)
}

/// Reads a single word that is no address and no parameters: `code#state`, as some servers show it, or a code alone.
fn read_code(word: &str) -> PasteContent {
    let is_code = |text: &str, signs: &str| !text.is_empty() && is_plain(text, signs);
    match word.split_once('#') {
        Some((code, state)) if is_code(code, "-._~+=") && is_code(state, "-._~+=") => {
            let pairs = [("code", code), ("state", state)];
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            PasteContent::Answer(PastedResponse { query, place: None })
        }
        None if is_code(word, "-._~+=/:%") && looks_random(word) && !looks_like_address(word) => {
            PasteContent::NotAnAnswer(PasteMistake::BareCode)
        }
        _ => PasteContent::NotAnAnswer(PasteMistake::Unreadable),
    }
}

/// Tells a code from a word that a person typed.
fn looks_random(word: &str) -> bool {
    word.len() >= 20 || (word.len() >= 6 && word.contains(|next: char| next.is_ascii_digit()))
}

fn looks_like_address(word: &str) -> bool {
    word.starts_with('/') || (word.contains(':') && word.contains('/'))
}

#[cfg(test)]
mod tests;
