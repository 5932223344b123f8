//! In which order cells are measured: rounds, each of them every slot once, shuffled.
//!
//! Interleaving lets what slows the machine for a while fall on all cells alike; shuffling keeps a
//! cell from always following the same neighbour.

use fastrand::Rng;

/// A place in each round: a cell, by its index, under one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) cell: usize,
    /// The second name of an A/A pair: the same program, measured once more in each round. What
    /// the two differ by is noise.
    pub(crate) again: bool,
}

impl Slot {
    pub(crate) fn first(cell: usize) -> Self {
        Slot { cell, again: false }
    }

    pub(crate) fn again(cell: usize) -> Self {
        Slot { cell, again: true }
    }
}

/// The order of everything, fixed before the first measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) rounds: Vec<Vec<Slot>>,
}

impl Plan {
    /// Each of `slots` once per round. The same seed gives the same order.
    pub(crate) fn new(mut slots: Vec<Slot>, rounds: usize, seed: u64) -> Plan {
        // Sorted first: the order in which bars or cells were named must not matter.
        slots.sort();
        slots.dedup();
        let mut rng = Rng::with_seed(seed);
        let rounds = (0..rounds)
            .map(|_| {
                let mut round = slots.clone();
                rng.shuffle(&mut round);
                round
            })
            .collect();
        Plan { seed, rounds }
    }

    /// The cells of the plan, each once, in the order of the table.
    pub(crate) fn cells(&self) -> Vec<usize> {
        let mut cells: Vec<usize> = self.rounds.iter().flatten().map(|slot| slot.cell).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Processes to run, without those that calibrate.
    pub(crate) fn len(&self) -> usize {
        self.rounds.iter().map(Vec::len).sum()
    }

    /// The seed given to the runners of a round: the same for all of its cells, so that both sides
    /// of a pair do the same work.
    pub(crate) fn work_seed(&self, round: usize) -> u64 {
        self.seed.wrapping_add(round as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> Vec<Slot> {
        (0..10).map(Slot::first).chain([Slot::again(3)]).collect()
    }

    #[test]
    fn the_seed_decides_the_order() {
        assert_eq!(Plan::new(slots(), 5, 7), Plan::new(slots(), 5, 7));
        assert_ne!(
            Plan::new(slots(), 5, 7).rounds,
            Plan::new(slots(), 5, 8).rounds
        );
    }

    #[test]
    fn the_order_in_which_slots_are_named_does_not_matter() {
        let mut named_differently = slots();
        named_differently.reverse();
        named_differently.push(Slot::first(0));
        assert_eq!(Plan::new(named_differently, 5, 7), Plan::new(slots(), 5, 7));
    }

    #[test]
    fn each_round_has_every_slot_once_in_an_order_of_its_own() {
        let plan = Plan::new(slots(), 5, 7);
        assert_eq!(plan.len(), 55);
        for round in &plan.rounds {
            let mut sorted = round.clone();
            sorted.sort();
            let mut all = slots();
            all.sort();
            assert_eq!(sorted, all);
        }
        assert_ne!(plan.rounds[0], plan.rounds[1]);
        assert_eq!(plan.cells(), (0..10).collect::<Vec<_>>());
    }
}
