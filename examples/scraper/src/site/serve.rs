//! Answers requests as the plan says: at once, late, with an error, elsewhere, never, or half.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::html;
use super::plan::{Behaviour, Plan};
use super::watch::{OpenRequest, Watch};

/// What every connection needs to answer.
#[derive(Debug)]
pub(crate) struct Server {
    plan: Plan,
    by_path: HashMap<String, usize>,
    watch: Arc<Watch>,
}

impl Server {
    pub(crate) fn new(plan: Plan, watch: Arc<Watch>) -> Server {
        let by_path = plan
            .pages
            .iter()
            .enumerate()
            .map(|(index, page)| (page.path.clone(), index))
            .collect();
        Server {
            plan,
            by_path,
            watch,
        }
    }

    /// Takes connections until it is dropped. Each is a task of the surrounding runtime.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().converse(stream));
                }
                // Out of file descriptors, mostly: others may close theirs meanwhile.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let _open = self.watch.connection();
        // Without it a small answer may wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let answer = service_fn(|request| self.answer(request));
        // An error here is a client that left, which is the client's right.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    }

    /// The page's answer. Dropped half-way when the client leaves: hyper notices the closed
    /// connection while it waits, and with the future goes the count of open requests.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Text>, Infallible> {
        let path = request.uri().path();
        let open = self.watch.request(path);
        if request.method() != Method::GET {
            return Ok(plain(405, "only GET here", open));
        }
        let Some(&index) = self.by_path.get(path) else {
            return Ok(plain(404, "no such page", open));
        };
        Ok(match self.plan.pages[index].behaviour {
            Behaviour::Fine => self.page(index, open),
            Behaviour::Slow(pause) => {
                tokio::time::sleep(pause).await;
                self.page(index, open)
            }
            Behaviour::Failing(status) => plain(status, "this page is broken", open),
            Behaviour::Redirect { status, to } => self.redirect(status, to, open),
            Behaviour::Loop { to } => self.redirect(302, to, open),
            Behaviour::Silent => std::future::pending().await,
            Behaviour::Cut => self.half(index, open),
        })
    }

    fn page(&self, index: usize, open: OpenRequest) -> Response<Text> {
        let mut response = Response::new(Text::whole(html::render(&self.plan, index), open));
        set(
            &mut response,
            header::CONTENT_TYPE,
            "text/html; charset=utf-8".to_owned(),
        );
        response
    }

    fn redirect(&self, status: u16, to: usize, open: OpenRequest) -> Response<Text> {
        let mut response = plain(status, "elsewhere", open);
        set(
            &mut response,
            header::LOCATION,
            self.plan.pages[to].path.clone(),
        );
        response
    }

    /// Announces the whole page, sends half of it, hangs up.
    fn half(&self, index: usize, open: OpenRequest) -> Response<Text> {
        let mut text = html::render(&self.plan, index);
        let length = text.len();
        let half = (0..=length / 2)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text.truncate(half);
        let mut response = Response::new(Text {
            cut: Cut::AfterText,
            ..Text::whole(text, open)
        });
        set(
            &mut response,
            header::CONTENT_TYPE,
            "text/html; charset=utf-8".to_owned(),
        );
        set(&mut response, header::CONTENT_LENGTH, length.to_string());
        response
    }
}

fn plain(status: u16, text: &str, open: OpenRequest) -> Response<Text> {
    let mut response = Response::new(Text::whole(format!("{text}\n"), open));
    // The plan holds valid statuses only; 500 would be the honest answer to any other.
    *response.status_mut() = status
        .try_into()
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    set(
        &mut response,
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8".to_owned(),
    );
    response
}

fn set(response: &mut Response<Text>, name: header::HeaderName, value: String) {
    // Paths, numbers and constants of ours: always valid header values.
    if let Ok(value) = value.try_into() {
        response.headers_mut().insert(name, value);
    }
}

/// Whether and when the connection is cut.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    Never,
    AfterText,
    Now,
}

/// A body in memory, whole or cut. The request counts as open until it is gone.
#[derive(Debug)]
pub(crate) struct Text {
    rest: Option<Bytes>,
    cut: Cut,
    _open: OpenRequest,
}

impl Text {
    fn whole(text: String, open: OpenRequest) -> Text {
        Text {
            rest: Some(text.into()),
            cut: Cut::Never,
            _open: open,
        }
    }
}

impl Body for Text {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(text) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(text))));
        }
        match self.cut {
            Cut::Never => Poll::Ready(None),
            // One pause before the error: hyper writes out what it has when a body pauses, and
            // throws it away when a body fails. The client is to see the half that was sent.
            Cut::AfterText => {
                self.cut = Cut::Now;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Now => Poll::Ready(Some(Err(io::Error::other("cut on purpose")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.cut == Cut::Never
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.rest, &self.cut) {
            (Some(text), Cut::Never) => SizeHint::with_exact(text.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
