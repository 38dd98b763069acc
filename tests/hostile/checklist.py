"""Where each of the 238 cases of the reliability checklist is tested: id, what must happen, and the tests.

Rows F, L, P and H are rows of the table in `rows.py`; the other ids name their
tests here. A test is ``folder/file::function``, below ``tests/``; of a row of a
table, the row stands behind it in brackets.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What must happen, and which tests hold it."""

    expected: str
    tests: tuple[str, ...]


#: How many cases each letter has.
COUNTS = {"F": 64, "L": 37, "P": 14, "H": 18, "U": 25, "T": 22, "R": 22, "S": 20, "G": 16}
#: Restarts of the supervisor and its workers; the module that holds them is named in their place once it is there.
ELSEWHERE_SOON: tuple[str, ...] = ()

_ORIGINS = "hostile/test_http_origins.py::"
_SEMANTICS = "hostile/test_semantics.py::"
_TIME = "hostile/test_time.py::"
_LIFE = "hostile/test_lifecycle.py::"
_ABUSE = "hostile/test_abuse.py::"
_LISTENER = "front/test_listener.py::"
_SWITCHING = "front/test_switching.py::"
_DOWN = "journeys/test_dependencies.py::"
_CRAWLERS = "journeys/test_crawlers.py::"
_SERVE = "journeys/test_serve.py::"
_TREE = "journeys/test_processes.py::"
_TILL = "admission/test_till.py::"
_BOOK = "conformance/test_spend_book.py::"
_DIRECTORIES = "hostile/test_key_directories.py::"
_SIGNATURES = (
    "journeys/test_unread_signatures.py::test_a_signature_is_no_proof_and_its_directory_is_not_asked"
)

ELSEWHERE: dict[str, Case] = {
    "U01": Case("a reset is a 502", (_ORIGINS + "test_a_reset_before_an_answer_is_a_refusal",)),
    "U02": Case("closing without an answer is a 502", (_ORIGINS + "test_row[U02 closes without an answer]",)),
    "U03": Case("silence is a 504", (_ORIGINS + "test_an_origin_that_never_answers_is_a_refusal",)),
    "U04": Case(
        "half a body never looks whole",
        (_ORIGINS + "test_what_the_origin_breaks_off_never_looks_whole[U04 half a body]",),
    ),
    "U05": Case(
        "half a chunk never looks whole",
        (_ORIGINS + "test_what_the_origin_breaks_off_never_looks_whole[U05 half a chunk]",),
    ),
    "U06": Case("two lengths are a 502", (_ORIGINS + "test_row[U06 two lengths]",)),
    "U07": Case("a length and chunks are a 502", (_ORIGINS + "test_row[U07 length and chunks]",)),
    "U08": Case("garbage is a 502", (_ORIGINS + "test_row[U08 garbage]",)),
    "U09": Case("bare LF is a 502", (_ORIGINS + "test_row[U09 bare LF]",)),
    "U10": Case("70 KB of a header are a 502", (_ORIGINS + "test_row[U10 a large head]",)),
    "U11": Case("5,000 headers are a 502", (_ORIGINS + "test_row[U11 many lines]",)),
    "U12": Case("NUL in a header is a 502", (_ORIGINS + "test_row[U12 NUL in a header]",)),
    "U13": Case("hop-by-hop fields end here", (_ORIGINS + "test_hop_by_hop_fields_of_an_answer_end_here",)),
    "U14": Case("early hints are dropped", (_ORIGINS + "test_early_hints_are_dropped",)),
    "U15": Case("a 204 has no body", (_ORIGINS + "test_row[U15 204 with a body]",)),
    "U16": Case("a 304 keeps its length", (_ORIGINS + "test_row[U16 304 with a length]",)),
    "U17": Case("a 206 passes", (_LISTENER + "test_ranges_and_conditions_are_the_origins_business",)),
    "U18": Case("gzip passes unopened", (_LISTENER + "test_a_coded_body_is_passed_on_unopened",)),
    "U19": Case("trailers are dropped", (_ORIGINS + "test_hop_by_hop_fields_of_an_answer_end_here",)),
    "U20": Case(
        "an end without a length is framed anew",
        (_LISTENER + "test_an_answer_without_a_length_is_framed_in_chunks",),
    ),
    "U21": Case("lines of one name stay lines", (_ORIGINS + "test_hop_by_hop_fields_of_an_answer_end_here",)),
    "U22": Case("999 passes", (_ORIGINS + "test_row[U22 status 999]",)),
    "U23": Case("a second answer reaches nobody", (_ORIGINS + "test_a_second_answer_reaches_nobody",)),
    "U24": Case("a HEAD has no body", (_SEMANTICS + "test_a_head_has_the_headers_of_its_get_and_no_body",)),
    "U25": Case("events are not held", (_LISTENER + "test_events_arrive_one_by_one",)),
    "T01": Case(
        "idle connections end, others are served",
        (_TIME + "test_connections_that_say_nothing_are_closed_and_others_are_served",),
    ),
    "T02": Case("a slow head ends", (_LISTENER + "test_a_head_that_never_ends_is_given_up",)),
    "T03": Case("so does the second", (_LISTENER + "test_the_next_head_has_the_same_deadline",)),
    "T04": Case("a slow body is a 408", (_LISTENER + "test_a_body_that_crawls_is_given_up",)),
    "T05": Case("a stalled body is a 408", (_LISTENER + "test_a_body_that_stops_is_given_up",)),
    "T06": Case("a slow reader is given up", (_LISTENER + "test_a_client_that_takes_nothing_is_given_up",)),
    "T07": Case(
        "a client that leaves stops the origin and pays for what it took",
        (
            _LISTENER + "test_a_client_that_goes_stops_the_origin",
            _CRAWLERS + "test_a_client_that_leaves_pays_for_what_it_took",
        ),
    ),
    "T08": Case(
        "a body of framing is refused",
        ("hostile/test_http_requests.py::test_a_body_that_is_mostly_framing_is_refused",),
    ),
    "T09": Case("single octets arrive", (_TIME + "test_a_body_of_single_octets_arrives_whole",)),
    "T10": Case(
        "a coded request is never opened",
        (
            "hostile/test_http_requests.py::test_row[H18]",
            _LISTENER + "test_a_coded_body_is_passed_on_unopened",
        ),
    ),
    "T11": Case(
        "a coded answer is never opened",
        (_TIME + "test_an_answer_that_would_fill_the_memory_is_passed_on_coded",),
    ),
    "T12": Case("431 however it is cut", (_TIME + "test_a_long_line_is_too_long_however_it_is_cut",)),
    "T13": Case(
        "pipelines wait for their reader",
        (_TIME + "test_a_client_that_asks_much_and_reads_nothing_is_given_up",),
    ),
    "T14": Case("too many files recover", (_TIME + "test_more_connections_than_files_and_it_recovers",)),
    "T15": Case("no room for 100 GB", (_TIME + "test_a_length_that_never_comes_is_not_made_room_for",)),
    "T16": Case(
        "large answers in little memory",
        (
            _LISTENER + "test_a_hundred_megabytes_pass_through_a_small_window",
            _TIME + "test_ten_gigabytes_pass_in_little_memory",
        ),
    ),
    "T17": Case("strange hosts leave nothing", (_TIME + "test_hosts_that_are_not_ours_leave_nothing",)),
    "T18": Case(
        "counts are bounded",
        ("provenance/test_audience.py::test_beyond_the_limit_nothing_is_lost_but_the_part",),
    ),
    "T19": Case(
        "silent tunnels are closed; their number is not limited",
        (_TIME + "test_tunnels_that_are_silent_are_closed", _SWITCHING + "test_a_silent_tunnel_is_closed"),
    ),
    "T20": Case(
        "no User-Agent takes long to read",
        (
            "visitors/test_product_token.py::test_a_crowd_of_names_is_read_up_to_a_limit",
            "visitors/test_product_token.py::test_eight_kilobytes_are_matched_as_if_they_were_one",
        ),
    ),
    "T21": Case(
        "what takes long is done beside the loop; no alarm tells of it",
        ("dashboard/test_sessions.py::test_a_password_is_worked_on_beside_the_loop",),
    ),
    "T22": Case("deadlines are monotonic", (_TIME + "test_deadlines_do_not_follow_the_wall_clock",)),
    "R01": Case("a restart loses no new connection", (_TREE + "test_restarts_lose_no_request",)),
    "R05": Case("a hundred restarts lose nothing", (_TREE + "test_a_hundred_restarts_lose_no_request",)),
    "R06": Case(
        "a killed worker costs what it had in hand",
        (_TREE + "test_a_worker_that_is_killed_costs_only_what_it_had_in_hand",),
    ),
    "R02": Case(
        "answers of a drain say close",
        (
            _LISTENER + "test_a_drain_lets_answers_end_and_takes_no_more",
            _LISTENER + "test_a_quiet_connection_does_not_hold_a_drain_up",
        ),
    ),
    "R03": Case(
        "a download in flight ends or is recorded",
        (
            _SERVE + "test_a_download_in_flight_ends_and_nobody_new_is_let_in",
            _LISTENER + "test_a_drain_ends_when_its_time_is_over_and_stop_breaks_off",
        ),
    ),
    "R04": Case(
        "a second signal stops at once, SIGHUP reloads",
        (
            _SERVE + "test_a_second_signal_stops_at_once_and_no_acknowledged_record_is_lost",
            _SERVE + "test_policies_are_taken_up_on_sighup_and_on_change_whole_or_not_at_all",
        ),
    ),
    "R07": Case(
        "a bad policy changes nothing and is told",
        (
            _DOWN + "test_a_policy_that_cannot_be_used_leaves_the_last_good_one",
            _SERVE + "test_wrong_toml_tells_every_mistake_of_settings_and_policies_at_once",
        ),
    ),
    "R08": Case("one version for a request", (_LIFE + "test_a_request_sees_one_version_of_the_rules",)),
    "R09": Case(
        "the price is fixed when the request begins",
        (
            _LIFE + "test_a_request_sees_one_version_of_the_rules",
            "admission/test_admit.py::test_a_good_token_is_charged_at_its_own_price",
        ),
    ),
    "R10": Case(
        "an origin that is down is a 502 at no cost",
        (
            _ORIGINS + "test_an_unreachable_origin_is_a_refusal",
            _DOWN + "test_an_origin_that_cannot_be_reached_costs_nothing",
        ),
    ),
    "R11": Case(
        "a silent one is a 504", (_DOWN + "test_an_origin_that_says_nothing_is_a_504_and_costs_nothing",)
    ),
    "R12": Case(
        "its 5xx passes at no cost",
        (_DOWN + "test_an_origin_in_trouble_speaks_for_itself_and_costs_nothing",),
    ),
    "R13": Case(
        "one that flaps is asked once for each request; there is no breaker",
        (_LIFE + "test_an_origin_that_comes_and_goes_is_asked_once_for_each_request",),
    ),
    "R14": Case(
        "a dead spare connection is replaced for GET and HEAD alone",
        (
            "origin/test_forwarding.py::test_a_spare_connection_that_died_is_replaced",
            "origin/test_forwarding.py::test_what_changes_something_gets_a_new_connection_and_one_try",
        ),
    ),
    "R15": Case(
        "two tries, one payment",
        (
            _LIFE + "test_a_retry_of_the_client_is_a_request_of_its_own",
            _CRAWLERS + "test_unchanged_bytes_are_free_again_and_changed_ones_are_not",
        ),
    ),
    "R16": Case(
        "new connections follow the name", (_LIFE + "test_new_connections_go_where_the_name_points",)
    ),
    "R17": Case(
        "the next address is tried",
        (
            _LIFE + "test_an_address_that_refuses_is_passed_over",
            _LIFE + "test_an_address_that_is_silent_is_passed_over",
        ),
    ),
    "R18": Case(
        "without the books the licensed wait and people are served",
        (
            _DOWN + "test_a_closed_spend_book_stops_the_licensed_and_the_desk",
            _DOWN + "test_people_are_served_while_everything_is_down",
        ),
    ),
    "R19": Case(
        "a full disk loses nothing acknowledged and recovers",
        (
            _DOWN + "test_a_disk_that_fills_keeps_its_last_part_for_the_licensed",
            "provenance/test_journal.py::test_a_full_disk_loses_nothing_acknowledged_and_space_brings_the_journal_back",
        ),
    ),
    "R20": Case(
        "a later schema is left alone, an earlier one is carried on",
        (
            "store/sqlite/test_database.py::test_a_later_schema_is_left_alone",
            "store/sqlite/test_versions.py::test_an_empty_file_gets_every_step_and_a_second_time_none",
            "store/sqlite/test_versions.py::test_a_step_that_fails_leaves_the_version_it_began_with",
        ),
    ),
    "R21": Case(
        "one folder, one keeper",
        ("provenance/test_keeper.py::test_there_is_one_keeper_even_across_processes",),
    ),
    "R22": Case(
        "a torn tail is cut and told",
        ("provenance/test_keeper.py::test_a_torn_tail_is_cut_and_reported_once",),
    ),
    "S01": Case(
        "a HEAD has the headers of its GET, and is free",
        (
            _SEMANTICS + "test_a_head_has_the_headers_of_its_get_and_no_body",
            _CRAWLERS + "test_head_tells_what_get_would_and_costs_nothing",
        ),
    ),
    "S02": Case(
        "not modified passes and is free",
        (
            _LISTENER + "test_ranges_and_conditions_are_the_origins_business",
            _CRAWLERS + "test_what_is_not_modified_costs_nothing",
        ),
    ),
    "S03": Case(
        "parts pass, and cost what they are",
        (
            _LISTENER + "test_ranges_and_conditions_are_the_origins_business",
            _CRAWLERS + "test_parts_cost_what_the_whole_costs",
        ),
    ),
    "S04": Case("a thousand parts are one document", (_CRAWLERS + "test_parts_cost_what_the_whole_costs",)),
    "S05": Case(
        "conditional changes pass once",
        (_SEMANTICS + "test_what_changes_something_is_passed_once_with_its_condition",),
    ),
    "S06": Case(
        "a body is asked for after the decision and the origin's word",
        (
            _LISTENER + "test_the_body_is_asked_for_once_the_origin_agreed",
            _LISTENER + "test_the_body_is_not_asked_for_when_the_origin_declines",
            _LISTENER + "test_nothing_is_asked_for_before_the_decision",
        ),
    ),
    "S07": Case("trailers of a request end here", ("hostile/test_http_requests.py::test_row[F51]",)),
    "S08": Case(
        "trailers of an answer end here", (_ORIGINS + "test_hop_by_hop_fields_of_an_answer_end_here",)
    ),
    "S09": Case("a stream is not held", (_LISTENER + "test_events_arrive_one_by_one",)),
    "S10": Case(
        "a switch is the origin's, and never under a license",
        (
            _SWITCHING + "test_nothing_switches_before_the_origin_says_so",
            _SWITCHING + "test_a_licensed_request_never_switches",
            _SWITCHING + "test_a_silent_tunnel_is_closed",
        ),
    ),
    "S11": Case(
        "HTTP/2 ends here",
        ("hostile/test_http_requests.py::test_row[F56]", "hostile/test_http_requests.py::test_row[F57]"),
    ),
    "S12": Case("negotiation passes", (_SEMANTICS + "test_negotiation_is_between_the_two_ends",)),
    "S13": Case(
        "no cache keeps what is for one visitor",
        (
            _SEMANTICS + "test_a_stranger_in_front_never_mixes_answers",
            "front/test_responses.py::test_a_licensed_answer_is_kept_by_nobody_and_names_its_record",
        ),
    ),
    "S14": Case(
        "caches see the same with and without us",
        (_SEMANTICS + "test_a_cache_sees_the_same_with_and_without_a_gateway",),
    ),
    "S15": Case("order and number are kept", (_ORIGINS + "test_hop_by_hop_fields_of_an_answer_end_here",)),
    "S16": Case(
        "Date, Age, Server and Via stay as they came",
        (
            _SEMANTICS + "test_a_cache_sees_the_same_with_and_without_a_gateway",
            "hostile/test_http_requests.py::test_the_origin_is_told_by_us_alone",
        ),
    ),
    "S17": Case("interim answers are dropped", (_ORIGINS + "test_early_hints_are_dropped",)),
    "S18": Case("how long is a setting", (_SEMANTICS + "test_how_long_an_answer_may_take_is_a_setting",)),
    "S19": Case("HTTP/1.0 reads to the end", (_LISTENER + "test_old_clients_get_the_end_of_the_connection",)),
    "S20": Case("the method is the line's", (_SEMANTICS + "test_the_method_is_the_one_of_the_request_line",)),
    "G01": Case("a token is for one site", (_CRAWLERS + "test_a_token_of_one_site_never_opens_the_other",)),
    "G02": Case(
        "no spelling leaves the scope",
        (
            "hostile/test_http_requests.py::test_row_of_a_crawler_that_pays",
            "admission/test_entitlement.py::test_the_first_thing_that_fails_is_named",
            "policy/test_ruling.py::test_nobody_gets_past_a_rule_by_hiding_the_path",
        ),
    ),
    "G03": Case("one record however long", (_ABUSE + "test_an_answer_that_lasts_leaves_one_record",)),
    "G04": Case(
        "exactly as many as were paid for",
        (
            _CRAWLERS + "test_of_two_hundred_fetches_at_once_exactly_twenty_are_sold",
            _BOOK + "test_two_hundred_want_a_hundred_units",
        ),
    ),
    "G05": Case(
        "the last unit is sold once, on all workers",
        (
            _BOOK + "test_two_hundred_want_a_hundred_units",
            "store/sqlite/test_processes.py::test_two_processes_never_sell_more_than_there_is",
        ),
    ),
    "G06": Case("a signature proves nothing yet", (_SIGNATURES,)),
    "G07": Case(
        "revoked within a second",
        (
            "journeys/test_main_job.py::test_a_revoked_licensee_is_refused_within_a_second",
            "admission/test_credentials.py::test_no_verdict_rests_on_revocations_older_than_a_second",
        ),
    ),
    "G08": Case(
        "no hold is lost beside another",
        (
            _BOOK + "test_a_budget_is_spent_over_the_whole_life_of_the_license",
            "desk/test_selling.py::test_two_fees_never_share_the_same_credit",
        ),
    ),
    "G09": Case(
        "a retry has one effect, another charge under its id none",
        (
            _BOOK + "test_a_record_that_is_folded_twice_leaves_the_purse_once",
            _TILL + "test_what_is_owed_nothing_is_free_for_the_next_and_each_charge_ends_once",
            "desk/test_selling.py::test_the_fee_is_taken_once_even_by_twenty_at_once",
        ),
    ),
    "G10": Case("sixty seconds of leeway", ("tokens/test_verification.py::test_the_term_and_its_leeway",)),
    "G11": Case(
        "a foreign signature makes nobody another",
        (_SIGNATURES, "visitors/test_identify.py::test_a_spoof_keeps_what_was_claimed"),
    ),
    "G12": Case(
        "only trusted proxies are believed",
        (
            "visitors/test_client_address.py::test_whose_address_is_believed",
            "hostile/test_http_requests.py::test_row[H01]",
            "hostile/test_http_requests.py::test_row[H07]",
        ),
    ),
    "G13": Case(
        "a directory is fetched only from outside, small, soon and without a redirect",
        (
            _SIGNATURES,
            _DIRECTORIES + "test_ten_megabytes_are_not_read",
            _DIRECTORIES + "test_a_redirect_leads_nowhere",
            _DIRECTORIES + "test_no_place_in_the_house_is_asked",
            "test_egress.py::test_a_name_that_leads_into_the_house_is_refused_at_the_socket",
        ),
    ),
    "G14": Case(
        "unknown keys and agents cause a bounded number of fetches",
        (_SIGNATURES, _DIRECTORIES + "test_a_flood_of_agents_and_keys_asks_a_bounded_number_of_times"),
    ),
    "G15": Case(
        "text stays text",
        (
            _ABUSE + "test_what_a_crawler_calls_itself_is_text_and_nothing_else",
            "billing/test_statements.py::test_csv_adds_up_and_runs_nothing",
            "billing/test_statements.py::test_text_is_for_people_and_obeys_no_one",
            "front/test_refusal_page.py::test_no_text_becomes_markup",
        ),
    ),
    "G16": Case(
        "every wrong login gets the same answer",
        ("desk/test_clients.py::test_every_wrong_login_gets_the_very_same_answer",),
    ),
}
