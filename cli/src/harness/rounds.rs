//! Runs contenders in turn, round after round, so that a disturbance affects all of them.

/// A new order of the contenders for each round, so that none always follows the same neighbour.
pub struct Orders {
    order: Vec<usize>,
    random: fastrand::Rng,
}

impl Orders {
    /// Returns the orders of the given number of contenders, the same in every process.
    pub fn new(contenders: usize) -> Self {
        Self { order: (0..contenders).collect(), random: fastrand::Rng::with_seed(1) }
    }

    /// Returns the order of the next round.
    pub fn shuffle(&mut self) -> &[usize] {
        self.random.shuffle(&mut self.order);
        &self.order
    }

    /// Runs every contender once and returns what they returned, in the order of their numbers.
    ///
    /// # Errors
    /// The first error ends the round.
    pub fn round<T, E>(&mut self, mut run: impl FnMut(usize) -> Result<T, E>) -> Result<Vec<T>, E> {
        let mut results: Vec<Option<T>> = self.order.iter().map(|_| None).collect();
        for &i in self.shuffle() {
            results[i] = Some(run(i)?);
        }
        Ok(results.into_iter().flatten().collect())
    }
}

/// Runs every contender in each of `rounds` rounds and returns their results by round. The first
/// error ends the race, and its round is dropped.
pub fn race<T, E>(
    contenders: usize,
    rounds: usize,
    mut run: impl FnMut(usize) -> Result<T, E>,
) -> Vec<Vec<T>> {
    let mut orders = Orders::new(contenders);
    (0..rounds).map_while(|_| orders.round(&mut run).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_runs_once_a_round_in_changing_order() {
        let mut orders = Orders::new(3);
        let mut seen = Vec::new();
        for _ in 0..7 {
            let results = orders.round(|i| {
                seen.push(i);
                Ok::<_, ()>(10 * i)
            });
            assert_eq!(results, Ok(vec![0, 10, 20]));
        }
        let rounds: Vec<&[usize]> = seen.chunks(3).collect();
        assert!(rounds.iter().all(|round| (0..3).all(|i| round.contains(&i))));
        assert!(rounds.iter().any(|round| *round != rounds[0]), "not always the same order");
    }

    #[test]
    fn the_first_error_ends_the_round() {
        let mut runs = 0;
        let result = Orders::new(3).round(|_| {
            runs += 1;
            if runs == 2 { Err("over") } else { Ok(()) }
        });
        assert_eq!((result, runs), (Err("over"), 2));
    }
}
