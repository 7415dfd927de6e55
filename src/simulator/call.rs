//! A request as it arrived, taken apart: path segments, parameters, form fields.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Parts;

/// One request, read to its end.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query, exactly as sent.
    pub(crate) url: String,
    /// The path's parts, percent-decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(parts: &Parts, body: Bytes) -> Self {
        let uri = &parts.uri;
        Self {
            method: parts.method.as_str().to_owned(),
            url: uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string),
            segments: uri
                .path()
                .split('/')
                .skip(1)
                .map(|part| percent_decode(part, false))
                .collect(),
            query: parse_pairs(uri.query().unwrap_or_default()),
            headers: parts.headers.clone(),
            body,
        }
    }

    /// The first parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header's text; `None` when it is missing or no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The fields of a form: those of the query, of an urlencoded body or of a multipart body
    /// (Zoho's Python SDK sends the second, its Node SDK the third).
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let kind = self.header("content-type").unwrap_or_default();
        let text = String::from_utf8_lossy(&self.body);
        let mut fields = match boundary(kind) {
            Some(boundary) => parse_multipart(&text, &boundary),
            None => parse_pairs(text.trim()),
        };
        fields.extend(self.query.iter().cloned());
        fields
    }
}

/// Reads `a=b&c=d`, percent-encoded or not, with `+` for a space.
fn parse_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key, true), percent_decode(value, true))
        })
        .collect()
}

/// Decodes `%2C` and the like; what is no escape stays as it is.
fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'%').then(|| escape(bytes.clone())).flatten();
        match (escaped, byte) {
            (Some(value), _) => {
                decoded.push(value);
                bytes.next();
                bytes.next();
            }
            (None, b'+') if plus_is_space => decoded.push(b' '),
            (None, other) => decoded.push(other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The value of the two hexadecimal digits after a percent sign.
fn escape(mut rest: std::str::Bytes<'_>) -> Option<u8> {
    let mut digit =
        || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit()? * 16 + digit()?)
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    rest.split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(key, _)| key.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

/// Reads the text fields of a multipart form.
fn parse_multipart(text: &str, boundary: &str) -> Vec<(String, String)> {
    let delimiter = format!("--{boundary}");
    text.split(delimiter.as_str())
        .filter_map(|part| {
            let (head, value) = part.split_once("\r\n\r\n")?;
            let (_, name) = head.split_once("name=\"")?;
            let (name, _) = name.split_once('"')?;
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn commas_are_taken_raw_or_encoded_and_a_stray_percent_sign_stays() {
        assert_eq!(
            parse_pairs("ids=1,2%2C3&wf_trigger=False&&x"),
            [pair("ids", "1,2,3"), pair("wf_trigger", "False"), pair("x", "")]
        );
        assert_eq!(percent_decode("100%+%zz%4", true), "100% %zz%4");
        assert_eq!(percent_decode("a+b%2B", false), "a+b+");
        assert_eq!(percent_decode("%C3%A4", false), "ä");
    }

    #[test]
    fn a_multipart_form_is_read() {
        let body = "--xYz\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\n\
                    refresh_token\r\n--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\
                    Content-Type: text/plain\r\n\r\n1\r\n2\r\n--xYz--\r\n";
        assert_eq!(boundary("multipart/form-data; boundary=\"xYz\"").as_deref(), Some("xYz"));
        assert_eq!(
            parse_multipart(body, "xYz"),
            [pair("grant_type", "refresh_token"), pair("a", "1\r\n2")]
        );
        assert_eq!(boundary("application/x-www-form-urlencoded; charset=utf-8"), None);
    }
}
