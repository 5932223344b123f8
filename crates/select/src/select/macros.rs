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
            #[allow(unused_imports)]
            use $crate::__private::FutureArm as _;
            $crate::__private::Select::new($crate::__arms!({task} $($arm)+), $fair)
        }
        .await;
        $crate::__chosen!(chosen $($arm)+)
    }};
    ($mode:tt {$fair:expr} [$($arm:tt)+] {$default:expr} ) => {{
        let chosen = {
            #[allow(unused_imports)]
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

/// See [`thread::select`](crate::thread::select).
#[doc(hidden)]
#[macro_export]
macro_rules! __select_thread {
    (biased; $($arms:tt)*) => { $crate::__select!({thread} {false} [] {} $($arms)*) };
    ($($arms:tt)*) => { $crate::__select!({thread} {true} [] {} $($arms)*) };
}

/// See [`task::select`](crate::task::select).
#[doc(hidden)]
#[macro_export]
macro_rules! __select_task {
    (biased; $($arms:tt)*) => { $crate::__select!({task} {false} [] {} $($arms)*) };
    ($($arms:tt)*) => { $crate::__select!({task} {true} [] {} $($arms)*) };
}
