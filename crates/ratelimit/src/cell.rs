//! The meter that everybody reads and a change of the rate replaces.
//!
//! Its fields are read one by one, so a reader may see some of the old meter and some of the new.
//! It cannot act on that. Whoever changes the rate sets the flag of the limiter's word first, then
//! writes the fields, then stores a word of the new meter, which is different from every word of
//! the old one (see [`Meter::taking_over`]):
//!
//! ```text
//!   reader   word ─── fields ─── compare-exchange of that word, or a second look at it
//!   changer  word | W ─── fields ─── new word
//! ```
//!
//! ORDERING: the fields are stored with Release and loaded with Acquire. A reader that saw any of
//! the new ones therefore sees the flag, or what came after it, in what it does with the word next:
//! its exchange fails. A reader that loaded the new word (Acquire, of a Release store) sees all of
//! the new fields. A meter whose parts belong together is the only one that is ever used.

use crate::meter::Meter;

#[cfg(not(loom))]
pub(crate) use fields::MeterCell;
#[cfg(loom)]
pub(crate) use stamped::MeterCell;

#[cfg(not(loom))]
mod fields {
    use super::Meter;
    use crate::{meter::Flow, sync::AtomicU64};
    use std::sync::atomic::Ordering::{Acquire, Release};

    #[derive(Debug)]
    pub(crate) struct MeterCell {
        m: AtomicU64,
        /// The shift in the lower half, the exponent in the upper one.
        shifts: AtomicU64,
        reach: AtomicU64,
        since: AtomicU64,
        one: AtomicU64,
        capacity: AtomicU64,
        base: AtomicU64,
        burst: AtomicU64,
    }

    fn shifts(meter: &Meter) -> u64 {
        u64::from(meter.e.cast_unsigned()) << 32 | u64::from(meter.flow.s)
    }

    impl MeterCell {
        pub(crate) fn new(meter: Meter) -> Self {
            Self {
                m: meter.flow.m.into(),
                shifts: shifts(&meter).into(),
                reach: meter.flow.reach.into(),
                since: meter.flow.since.into(),
                one: meter.one.into(),
                capacity: meter.capacity.into(),
                base: meter.base.into(),
                burst: meter.burst.into(),
            }
        }

        pub(crate) fn load(&self) -> Meter {
            Meter {
                burst: self.burst.load(Acquire),
                ..self.load_for_one()
            }
        }

        /// As [`load`](Self::load), for whoever asks for one permit and not for the burst.
        #[inline]
        pub(crate) fn load_for_one(&self) -> Meter {
            let shifts = self.shifts.load(Acquire);
            Meter {
                flow: Flow {
                    m: self.m.load(Acquire),
                    s: shifts as u32,
                    reach: self.reach.load(Acquire),
                    since: self.since.load(Acquire),
                },
                e: ((shifts >> 32) as u32).cast_signed(),
                one: self.one.load(Acquire),
                capacity: self.capacity.load(Acquire),
                base: self.base.load(Acquire),
                burst: 1,
            }
        }

        /// For the one with the line's lock, while the flag is set.
        pub(crate) fn store(&self, meter: &Meter) {
            self.m.store(meter.flow.m, Release);
            self.shifts.store(shifts(meter), Release);
            self.reach.store(meter.flow.reach, Release);
            self.since.store(meter.flow.since, Release);
            self.one.store(meter.one, Release);
            self.capacity.store(meter.capacity, Release);
            self.base.store(meter.base, Release);
            self.burst.store(meter.burst, Release);
        }
    }
}

/// For the models: which meter a reader sees is up to one atomic, for eight would take for ever.
#[cfg(loom)]
mod stamped {
    use super::Meter;
    use crate::sync::AtomicU64;
    use std::sync::{
        Mutex,
        atomic::Ordering::{Acquire, Release},
    };

    #[derive(Debug)]
    pub(crate) struct MeterCell {
        meters: Mutex<Vec<Meter>>,
        stamp: AtomicU64,
    }

    impl MeterCell {
        pub(crate) fn new(meter: Meter) -> Self {
            Self {
                meters: Mutex::new(vec![meter]),
                stamp: AtomicU64::new(0),
            }
        }

        pub(crate) fn load(&self) -> Meter {
            let at = self.stamp.load(Acquire);
            self.meters.lock().unwrap()[at as usize]
        }

        pub(crate) fn load_for_one(&self) -> Meter {
            self.load()
        }

        pub(crate) fn store(&self, meter: &Meter) {
            let mut meters = self.meters.lock().unwrap();
            meters.push(*meter);
            let at = meters.len() as u64 - 1;
            drop(meters);
            self.stamp.store(at, Release);
        }
    }
}
