from flowfeat.training.schedule import S_FINE, S_LONG, S_SHORT, Schedule


def test_the_papers_schedules_halve_where_figure_3_has_it():
    for schedule, places in (
        (S_SHORT, {0: 1e-4, 299_999: 1e-4, 300_000: 5e-5, 400_000: 2.5e-5, 599_999: 1.25e-5}),
        (S_LONG, {0: 1e-4, 399_999: 1e-4, 400_000: 5e-5, 1_199_999: 6.25e-6}),
        (S_FINE, {0: 1e-5, 199_999: 1e-5, 200_000: 5e-6, 499_999: 1.25e-6}),
    ):
        for step, rate in places.items():
            assert schedule.at(step) == rate
    assert [schedule.iterations for schedule in (S_SHORT, S_LONG, S_FINE)] == [600_000, 1_200_000, 500_000]


def test_a_cosine_rises_and_falls_to_nothing():
    schedule = Schedule(iterations=100, rate=1.0, warm_up=10, shape="cosine")
    rates = [schedule.at(step) for step in range(101)]
    assert rates[0] < rates[5] < rates[9] > rates[50] > rates[99] > rates[100] == 0
    assert abs(rates[50] - 0.5) < 1e-9
