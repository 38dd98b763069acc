"""The drawn policies are worth trying: the same by seed, and of every kind that formats differ on."""

from gateway.uses import Use


def test_the_same_seed_draws_the_same_policies_and_another_one_others(policies_generated):
    texts = [policies_generated.text(7, at) for at in range(20)]
    assert texts == [policies_generated.text(7, at) for at in range(20)]
    assert not set(texts) & {policies_generated.text(8, at) for at in range(20)}


def test_they_publish_grants_offers_refusals_and_scopes_inside_scopes(policies_generated):
    found = list(policies_generated.cases(60))
    names = [case.name for case in found]
    assert len(set(names)) == len(names) > 60
    terms = [case.terms for case in found]
    assert sum(any(scope.free for scope in each.scopes) for each in terms) > 20
    assert sum(any(scope.offers for scope in each.scopes) for each in terms) > 15
    assert sum(any(scope.offers and scope.free for scope in each.scopes) for each in terms) > 5
    assert sum(bool(each.robots) for each in terms) > 20
    assert sum(len(each.scopes) > 3 for each in terms) > 15
    said = {use for each in terms for scope in each.scopes for use in scope.free | scope.for_sale}
    assert said == set(Use)


def test_every_path_has_a_scope_that_speaks_for_it(policies_generated):
    for case in policies_generated.cases(40):
        for path in policies_generated.PATHS:
            scope = policies_generated.speaks(case.terms, path)
            assert scope.paths[0].covers(path)
