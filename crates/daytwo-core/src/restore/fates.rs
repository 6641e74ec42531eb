//! What became of each object of a wave, in the few bytes that a journal has for it.
//!
//! A wave reads the archive from front to back, and neighbours mostly share their fate. So it is told as stretches of
//! the archive in which every object *of this wave* ended the same way: one for a restore into an empty cluster,
//! however many objects it has. It refuses to say whose turn was not yet.

use serde::{Deserialize, Serialize};

use super::Action;

/// Stretches of an archive, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fates(Vec<Stretch>);

/// Number of the first and of the last object, and what became of those of the wave between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch(u64, u64, Action);

impl Fates {
    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next object of the wave, by its number in the archive. One that was told already is left out: a wave that
    /// is begun again does not go back.
    pub fn push(&mut self, number: u64, action: Action) {
        self.take(Stretch(number, number, action));
    }

    /// Takes in what came later.
    pub fn absorb(&mut self, later: Fates) {
        later.0.into_iter().for_each(|stretch| self.take(stretch));
    }

    fn take(&mut self, Stretch(first, last, action): Stretch) {
        match self.0.last_mut() {
            Some(known) if first <= known.1 => {}
            Some(known) if known.2 == action => known.1 = last,
            _ => self.0.push(Stretch(first, last, action)),
        }
    }

    /// What became of the object of the wave with this number; `None` where its turn did not come.
    pub fn of(&self, number: u64) -> Option<Action> {
        let at = self.0.partition_point(|stretch| stretch.1 < number);
        self.0.get(at).filter(|stretch| stretch.0 <= number).map(|stretch| stretch.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_fate_are_one_stretch_also_across_checkpoints() {
        let mut whole = Fates::default();
        let mut part = Fates::default();
        (0..1_000).step_by(7).for_each(|number| whole.push(number, Action::Created));
        (1_001..2_000).step_by(7).for_each(|number| part.push(number, Action::Created));
        whole.absorb(part);
        assert_eq!(serde_json::to_string(&whole).unwrap(), r#"[[0,1995,"created"]]"#);
    }

    #[test]
    fn each_object_of_the_wave_is_told_and_no_other_s_turn_is_made_up() {
        let mut fates = Fates::default();
        for (number, action) in
            [(3, Action::Created), (5, Action::Created), (6, Action::Failed), (9, Action::Same)]
        {
            fates.push(number, action);
        }
        let told: Vec<_> = (0..11).map(|number| fates.of(number)).collect();
        let (created, failed, same) = (Some(Action::Created), Some(Action::Failed), Some(Action::Same));
        assert_eq!(told, [None, None, None, created, created, created, failed, None, None, same, None]);
    }

    #[test]
    fn a_wave_begun_again_does_not_tell_twice() {
        let mut fates = Fates::default();
        fates.push(4, Action::Created);
        fates.push(4, Action::Same);
        fates.push(5, Action::Same);
        assert_eq!((fates.of(4), fates.of(5)), (Some(Action::Created), Some(Action::Same)));
    }
}
