//! Selects: over few channels, over many, and over empty ones.

use super::KRATE;
use crate::cells::versions::{
    ASYNC_CHANNEL, CROSSBEAM, FLUME, FUTURES, KANAL, LOOLE, OURS, STD, TOKIO, TOKIO_STREAM,
};
use crate::channels::{
    Anabranch, AnabranchMacro, AnabranchMux, AsyncChannel, Crossbeam, CrossbeamMacro,
    CrossbeamSelect, Flume, FlumeSelector, InTurn, Kanal, Loole, StdBounded, TokioBounded,
    TokioSelect, TokioSelectAll, TokioStreamMap,
};
use crate::workloads::{poll_empty, select_in_task, select_in_thread};
use crate::{Cell, Kind, Shape, Workload};

#[rustfmt::skip] // One cell, one line: this is a table.
pub(super) fn cells() -> Vec<Cell> {
    use Kind::{Ours, Peer, Unsound};
    vec![
        Cell::new(&TWO, "anabranch", Ours, OURS, |ask| select_in_thread::<AnabranchMacro>(ask, 2)),
        Cell::new(&TWO, "anabranch+Mux", Ours, OURS, |ask| select_in_thread::<AnabranchMux>(ask, 2)),
        Cell::new(&TWO, "crossbeam+macro", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamMacro>(ask, 2)),
        Cell::new(&TWO, "crossbeam+Select", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamSelect>(ask, 2)),
        Cell::new(&TWO, "flume+Selector", Peer, FLUME, |ask| select_in_thread::<FlumeSelector>(ask, 2)),
        Cell::new(&EIGHT, "anabranch", Ours, OURS, |ask| select_in_thread::<AnabranchMacro>(ask, 8)),
        Cell::new(&EIGHT, "anabranch+Mux", Ours, OURS, |ask| select_in_thread::<AnabranchMux>(ask, 8)),
        Cell::new(&EIGHT, "crossbeam+macro", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamMacro>(ask, 8)),
        Cell::new(&EIGHT, "crossbeam+Select", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamSelect>(ask, 8)),
        Cell::new(&EIGHT, "flume+Selector", Peer, FLUME, |ask| select_in_thread::<FlumeSelector>(ask, 8)),
        Cell::new(&SIXTY_FOUR, "anabranch+Mux", Ours, OURS, |ask| select_in_thread::<AnabranchMux>(ask, 64)),
        Cell::new(&SIXTY_FOUR, "crossbeam+Select", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamSelect>(ask, 64)),
        Cell::new(&THOUSAND, "anabranch+Mux", Ours, OURS, |ask| select_in_thread::<AnabranchMux>(ask, 1024)),
        Cell::new(&THOUSAND, "crossbeam+Select", Peer, CROSSBEAM, |ask| select_in_thread::<CrossbeamSelect>(ask, 1024)),
        Cell::new(&TWO_TASK, "anabranch", Ours, OURS, |ask| select_in_task::<AnabranchMacro>(ask, 2)),
        Cell::new(&TWO_TASK, "anabranch+Mux", Ours, OURS, |ask| select_in_task::<AnabranchMux>(ask, 2)),
        Cell::new(&TWO_TASK, "tokio+select", Peer, TOKIO, |ask| select_in_task::<TokioSelect>(ask, 2)),
        Cell::new(&TWO_TASK, "tokio+StreamMap", Peer, TOKIO_STREAM, |ask| select_in_task::<TokioStreamMap>(ask, 2)),
        Cell::new(&TWO_TASK, "tokio+SelectAll", Peer, FUTURES, |ask| select_in_task::<TokioSelectAll>(ask, 2)),
        Cell::new(&EIGHT_TASK, "anabranch", Ours, OURS, |ask| select_in_task::<AnabranchMacro>(ask, 8)),
        Cell::new(&EIGHT_TASK, "anabranch+Mux", Ours, OURS, |ask| select_in_task::<AnabranchMux>(ask, 8)),
        Cell::new(&EIGHT_TASK, "tokio+select", Peer, TOKIO, |ask| select_in_task::<TokioSelect>(ask, 8)),
        Cell::new(&EIGHT_TASK, "tokio+StreamMap", Peer, TOKIO_STREAM, |ask| select_in_task::<TokioStreamMap>(ask, 8)),
        Cell::new(&EIGHT_TASK, "tokio+SelectAll", Peer, FUTURES, |ask| select_in_task::<TokioSelectAll>(ask, 8)),
        Cell::new(&SIXTY_FOUR_TASK, "anabranch+Mux", Ours, OURS, |ask| select_in_task::<AnabranchMux>(ask, 64)),
        Cell::new(&SIXTY_FOUR_TASK, "tokio+StreamMap", Peer, TOKIO_STREAM, |ask| select_in_task::<TokioStreamMap>(ask, 64)),
        Cell::new(&SIXTY_FOUR_TASK, "tokio+SelectAll", Peer, FUTURES, |ask| select_in_task::<TokioSelectAll>(ask, 64)),
        Cell::new(&THOUSAND_TASK, "anabranch+Mux", Ours, OURS, |ask| select_in_task::<AnabranchMux>(ask, 1024)),
        Cell::new(&THOUSAND_TASK, "tokio+StreamMap", Peer, TOKIO_STREAM, |ask| select_in_task::<TokioStreamMap>(ask, 1024)),
        Cell::new(&THOUSAND_TASK, "tokio+SelectAll", Peer, FUTURES, |ask| select_in_task::<TokioSelectAll>(ask, 1024)),
        Cell::new(&EMPTY, "anabranch", Ours, OURS, poll_empty::<AnabranchMacro>),
        Cell::new(&EMPTY, "anabranch+try", Ours, OURS, poll_empty::<InTurn<Anabranch>>),
        Cell::new(&EMPTY, "crossbeam+macro", Peer, CROSSBEAM, poll_empty::<CrossbeamMacro>),
        Cell::new(&EMPTY, "crossbeam+try", Peer, CROSSBEAM, poll_empty::<InTurn<Crossbeam>>),
        Cell::new(&EMPTY, "flume+try", Peer, FLUME, poll_empty::<InTurn<Flume>>),
        Cell::new(&EMPTY, "loole+try", Peer, LOOLE, poll_empty::<InTurn<Loole>>),
        Cell::new(&EMPTY, "std+try", Peer, STD, poll_empty::<InTurn<StdBounded>>),
        Cell::new(&EMPTY, "async-channel+try", Peer, ASYNC_CHANNEL, poll_empty::<InTurn<AsyncChannel>>),
        Cell::new(&EMPTY, "tokio+try", Peer, TOKIO, poll_empty::<InTurn<TokioBounded>>),
        Cell::new(&EMPTY, "kanal+try", Unsound, KANAL, poll_empty::<InTurn<Kanal>>),
    ]
}

// Between threads they have a size, as the channels with next to no room.

static TWO: Workload = Workload {
    id: "X1-2",
    krate: KRATE,
    name: "select_over_two_channels",
    about: "a thread selects over two channels with room for 1, fed in turns; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static EIGHT: Workload = Workload {
    id: "X1-8",
    krate: KRATE,
    name: "select_over_eight_channels",
    about: "a thread selects over eight channels with room for 1, fed in turns; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static SIXTY_FOUR: Workload = Workload {
    id: "X1-64",
    krate: KRATE,
    name: "select_over_sixty_four_channels",
    about: "a thread selects over 64 channels with room for 1, fed in turns; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static THOUSAND: Workload = Workload {
    id: "X1-1024",
    krate: KRATE,
    name: "select_over_thousand_channels",
    about: "a thread selects over 1,024 channels with room for 1, fed in turns; per message",
    shape: Shape::Sized(10_000),
    smoke_ops: 200,
};

static TWO_TASK: Workload = Workload {
    id: "X1-2-task",
    krate: KRATE,
    name: "select_over_two_channels_in_a_task",
    about: "a tokio task selects over two channels with room for 1, fed in turns by another; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static EIGHT_TASK: Workload = Workload {
    id: "X1-8-task",
    krate: KRATE,
    name: "select_over_eight_channels_in_a_task",
    about: "a tokio task selects over eight channels with room for 1, fed in turns by another; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static SIXTY_FOUR_TASK: Workload = Workload {
    id: "X1-64-task",
    krate: KRATE,
    name: "select_over_sixty_four_channels_in_a_task",
    about: "a tokio task selects over 64 channels with room for 1, fed in turns by another; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static THOUSAND_TASK: Workload = Workload {
    id: "X1-1024-task",
    krate: KRATE,
    name: "select_over_thousand_channels_in_a_task",
    about: "a tokio task selects over 1,024 channels with room for 1, fed in turns by another; per message",
    shape: Shape::Repeat,
    smoke_ops: 200,
};

static EMPTY: Workload = Workload {
    id: "X2",
    krate: KRATE,
    name: "select_over_empty_channels",
    about: "look at two empty channels and go on; per look",
    shape: Shape::Repeat,
    smoke_ops: 1000,
};
