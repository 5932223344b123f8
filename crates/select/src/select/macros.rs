//! What `select!` expands to.
//!
//! The arms are read one by one into a list of `(pattern) (operation) (guard) (handler)`, the
//! operations become a list of types ([`Arm`](super::Arm)), and the answer, a value that says which
//! arm it was, is matched against the patterns. By then the operations are gone: what they borrowed
//! is free, and the handlers run in the caller's own function, so that `return`, `?`, `break` and
//! `.await` mean there what they mean anywhere.

/// Reads the arms: `{mode} {fair} [arms read] {default} rest`.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // The end.
    ($mode:tt $fair:tt [] {} ) => {
        ::core::compile_error!("select! needs an arm: `pattern = operation => handler`")
    };
    ($mode:tt $fair:tt [] {$default:expr} ) => {
        ::core::compile_error!("select! with nothing but a `default` selects nothing: add an arm")
    };
    ({thread} {$fair:expr} [$($arm:tt)+] {} ) => {{
        let chosen = $crate::__private::Select::new($crate::__arms!({thread} $($arm)+), $fair).wait();
        $crate::__chosen!(chosen $($arm)+)
    }};
    ({task} {$fair:expr} [$($arm:tt)+] {} ) => {{
        let chosen = {
            #[allow(unused_imports, reason = "unless some arm is a foreign future")]
            use $crate::__private::FutureArm as _;
            $crate::__private::Select::new($crate::__arms!({task} $($arm)+), $fair)
        }
        .await;
        $crate::__chosen!(chosen $($arm)+)
    }};
    ($mode:tt {$fair:expr} [$($arm:tt)+] {$default:expr} ) => {{
        let chosen = {
            #[allow(unused_imports, reason = "unless some arm is a foreign future")]
            use $crate::__private::FutureArm as _;
            $crate::__private::Select::with_default($crate::__arms!($mode $($arm)+), $fair).now()
        };
        match chosen {
            ::core::option::Option::Some(chosen) => $crate::__chosen!(chosen $($arm)+),
            ::core::option::Option::None => $default,
        }
    }};

    // The default.
    ($mode:tt $fair:tt [$($arm:tt)*] {} default => $handler:block, $($rest:tt)*) => {
        $crate::__select!($mode $fair [$($arm)*] {$handler} $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] {} default => $handler:block $($rest:tt)*) => {
        $crate::__select!($mode $fair [$($arm)*] {$handler} $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] {} default => $handler:expr, $($rest:tt)*) => {
        $crate::__select!($mode $fair [$($arm)*] {$handler} $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] {} default => $handler:expr) => {
        $crate::__select!($mode $fair [$($arm)*] {$handler})
    };
    ($mode:tt $fair:tt [$($arm:tt)*] {$first:expr} default => $($rest:tt)*) => {
        ::core::compile_error!("select! takes one `default`")
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt else => $($rest:tt)*) => {
        ::core::compile_error!(
            "select! has no `else`: `default => ..` runs when no arm is ready, and a select whose \
             arms are all switched off panics"
        )
    };

    // An arm with a guard.
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr, if $guard:expr => $handler:block, $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) ($guard) ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr, if $guard:expr => $handler:block $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) ($guard) ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr, if $guard:expr => $handler:expr, $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) ($guard) ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr, if $guard:expr => $handler:expr) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) ($guard) ($handler)] $default)
    };

    // An arm without.
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr => $handler:block, $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) () ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr => $handler:block $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) () ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr => $handler:expr, $($rest:tt)*) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) () ($handler)] $default $($rest)*)
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr => $handler:expr) => {
        $crate::__select!($mode $fair
            [$($arm)* ($pattern) ($operation) () ($handler)] $default)
    };

    // Mistakes worth a sentence.
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr, if $guard:expr $(, $($rest:tt)*)?) => {
        ::core::compile_error!(::core::concat!(
            "select!: the arm `", ::core::stringify!($pattern = $operation),
            "` has no handler: write `=> ..` after its guard"
        ))
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr $(, if $guard:expr)? => $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "select!: what comes after the handler of `", ::core::stringify!($pattern = $operation),
            "` is no arm: a handler that is no block ends with a comma"
        ))
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt
        $pattern:pat = $operation:expr $(, $($rest:tt)*)?) => {
        ::core::compile_error!(::core::concat!(
            "select!: the arm `", ::core::stringify!($pattern = $operation),
            "` has no handler: write `=> ..` after it"
        ))
    };
    ($mode:tt $fair:tt [$($arm:tt)*] $default:tt biased; $($rest:tt)*) => {
        ::core::compile_error!("select!: `biased;` comes before the first arm")
    };
}

/// The operations, as a list of types.
#[doc(hidden)]
#[macro_export]
macro_rules! __arms {
    ($mode:tt) => { $crate::__private::NoArm };
    ($mode:tt ($pattern:pat) ($operation:expr) () ($handler:expr) $($rest:tt)*) => {
        $crate::__private::Arm::new(
            ::core::option::Option::Some($crate::__operation!($mode $operation)),
            $crate::__arms!($mode $($rest)*),
        )
    };
    ($mode:tt ($pattern:pat) ($operation:expr) ($guard:expr) ($handler:expr) $($rest:tt)*) => {
        $crate::__private::Arm::new(
            if $guard {
                ::core::option::Option::Some($crate::__operation!($mode $operation))
            } else {
                ::core::option::Option::None
            },
            $crate::__arms!($mode $($rest)*),
        )
    };
}

/// What may be an arm: in a thread an operation, in a task any future.
#[doc(hidden)]
#[macro_export]
macro_rules! __operation {
    ({thread} $operation:expr) => {
        $operation
    };
    ({task} $operation:expr) => {
        $crate::__private::TaskArm::new($operation).arm()
    };
}

/// The handler of the arm that was chosen.
#[doc(hidden)]
#[macro_export]
macro_rules! __chosen {
    ($chosen:ident) => { match $chosen {} };
    ($chosen:ident
        ($pattern:pat) ($operation:expr) $guard:tt ($handler:expr) $($rest:tt)*) => {
        match $chosen {
            $crate::__private::Chosen::This($pattern) => $handler,
            $crate::__private::Chosen::After(after) => $crate::__chosen!(after $($rest)*),
        }
    };
}

/// Waits for the first of several operations. Blocks the thread.
///
/// ```
/// use anabranch_select::{CancelToken, Closed, channel, thread::select};
/// use std::time::Duration;
///
/// fn serve(token: &CancelToken) -> Result<Vec<u32>, Closed> {
///     let (tx, numbers) = channel::bounded(1);
///     let (results, sink) = channel::bounded(1);
///     tx.try_send(1).unwrap();
///     let mut ticks = token.ticker(Duration::from_millis(10));
///     let mut pending = None;
///     let mut ticked = false;
///     loop {
///         select! {
///             n = numbers.recv(), if pending.is_none() => pending = Some(n? * 10),
///             sent = results.send_from(&mut pending), if pending.is_some() => sent?,
///             _ = ticks.tick(), if !ticked => ticked = true,
///             _ = token.after(Duration::from_millis(100)) => break,
///         }
///     }
///     Ok(sink.try_iter().collect())
/// }
/// assert_eq!(serve(&CancelToken::new()), Ok(vec![10]));
/// ```
///
/// # Grammar
/// ```text
/// select! {
///     biased;                                   // may stand first: ask the arms as written
///     PATTERN = OPERATION => HANDLER,           // an arm; at least one, at most 40
///     PATTERN = OPERATION, if GUARD => HANDLER, // an arm that can be switched off
///     default => HANDLER,                       // at most one, anywhere
/// }
/// ```
/// Any [operation](anabranch_core_cancel::Operation) may be an arm: a receive, a send, a permit, a
/// job's handle, a token, a timer, a tick, each with a bound of its own if it has one
/// (`rx.recv().timeout(d)`). `&mut operation` lends one to the select, so that it keeps its place for
/// the next round. A handler is an expression; all have one type, and the select has it too. The comma
/// after a handler in braces may be left out. A pattern must match whatever comes, as in `let`.
///
/// Handlers run in the calling function, when the operations and what they borrowed are gone: `return`,
/// `?`, `break` and `continue` mean what they mean elsewhere, and a handler may use what an arm used.
///
/// # Guards
/// Evaluated once, in order, before anything is waited for. The operation of an arm whose guard is
/// `false` is not even evaluated: this is how an input that has ended is left out, as a `nil` channel is
/// in Go.
///
/// # `default`
/// With a `default` the select never waits: its handler runs if no arm can be had at once.
///
/// # Fairness
/// Of several arms that are ready each is as likely to be chosen, so none starves in a loop. With
/// `biased;` the arms are asked in the order in which they are written, and the first that is ready is
/// chosen: for an arm that must come first, and where the order shows in a test. An arm that is always
/// ready then starves those below it.
///
/// In each of its queues a select stands where it came; one that begins anew, in the next round of a
/// loop, stands at the back.
///
/// # Exactness
/// Exactly one arm takes effect. The others have had none when the handler runs: nothing was received,
/// what was to be sent is back ([`send_from`](crate::Sender::send_from)) or dropped
/// ([`send`](crate::Sender::send)), no permit was taken, no place in a queue is left. That holds for two
/// selects that meet on a rendezvous channel too. (Arms of several steps,
/// [`send_all`](crate::Sender::send_all), keep the steps they have done.)
///
/// # Panics
/// When every arm is switched off and there is no `default`: nothing could end it.
///
/// # Cost
/// If an arm is ready: that operation, and a look at those asked before it. If none is: a place in each
/// of the queues. For many receivers, or a number of them that changes: [`Mux`](crate::Mux).
#[doc(hidden)]
#[macro_export]
macro_rules! __select_thread {
    (biased; $($arms:tt)*) => { $crate::__select!({thread} {false} [] {} $($arms)*) };
    ($($arms:tt)*) => { $crate::__select!({thread} {true} [] {} $($arms)*) };
}

/// Waits for the first of several operations and futures. Suspends the task: it stands where one may
/// write `.await`.
///
/// ```
/// use anabranch_select::{CancelToken, channel, task::select};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tx, rx) = channel::bounded::<u32>(1);
/// let token = CancelToken::new();
/// let (answer, asked) = tokio::sync::oneshot::channel();
/// answer.send(42).unwrap();
/// let got = select! {
///     message = rx.recv() => message.ok(),
///     answer = asked => answer.ok(), // a future that is no operation of ours
///     _ = token.cancelled() => None,
/// };
/// assert_eq!(got, Some(42));
/// # drop(tx);
/// # }
/// ```
///
/// Grammar, guards, `default`, fairness and panics are those of
/// [`thread::select!`](crate::thread::select). What may be an arm differs: besides operations, whatever
/// can be `.await`ed.
///
/// # Exactness
/// Exactly one arm takes effect, and of our own operations the others have had none. A future of
/// somebody else's that loses is dropped half-way, or lent as `&mut future` stays half-way: whether it
/// has taken something by then is up to its author. So it is as exact as that future is *cancel safe*:
/// tokio's `mpsc::Receiver::recv` loses nothing, a read into a buffer of its own may.
///
/// With a `default` each future is polled once and not woken later.
///
/// # Cancel safety
/// Dropped while it waits, the select leaves every queue and has taken nothing; an arm that had been
/// handed something passes it on to the next in its line.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_task {
    (biased; $($arms:tt)*) => { $crate::__select!({task} {false} [] {} $($arms)*) };
    ($($arms:tt)*) => { $crate::__select!({task} {true} [] {} $($arms)*) };
}
