"""`mapping guess`: a file that nobody has described is read by its header and values, and doubts are said."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from memory_pipeline.cli.ingest import ingest
from memory_pipeline.cli.mapping import mapping
from memory_pipeline.ingest import IngestError, ingest_file
from memory_pipeline.ingest.guess.proposal import Said
from memory_pipeline.ingest.guess.propose import guess_mapping
from memory_pipeline.ingest.guess.words import HEADERS, STATES, fold, header_score, state_of
from memory_pipeline.ingest.guess.yaml_text import write_yaml, yaml_of
from memory_pipeline.ingest.mapping import load_mapping
from memory_pipeline.ingest.trial import try_mapping

GERMAN = (
    "Lfd. Nr.;Anw.-Bezeichnung;Herst.;Paketart;Ausgeführt am;Silent-Schalter;Dauer (Min.);Paketgröße in MB;"
    "Standort;Bearbeiter/in;Ergebnis d. Installation;Rückgabewert;Bemerkungen;Neustart?"
)


def german_rows(count=300):
    """Return rows of a spreadsheet as a German office writes it, with the share of success by the switch."""
    chance = random.Random(5)  # noqa: S311 - test data
    moment = datetime(2025, 9, 1, 7, 0)  # noqa: DTZ001 - the file has no zones
    for number in range(1, count + 1):
        moment += timedelta(minutes=chance.randint(20, 1_800))
        switch = chance.choice(["/S", "/silent"])
        is_good = chance.random() < (0.85 if switch == "/S" else 0.4)
        size = f"{chance.uniform(5, 3000):,.1f}".translate(str.maketrans(",.", ".,"))
        yield ";".join(
            [
                str(number),
                f"Fachanwendung {number % 17}",
                chance.choice(["Müller & Söhne", "Contoso GmbH"]),
                chance.choice(["MSI", "EXE"]),
                f"{moment:%d.%m.%Y %H:%M}",
                switch,
                f"{chance.uniform(1, 40):.1f}".replace(".", ","),
                size,
                chance.choice(["Köln", "Essen"]),
                chance.choice(["K. Meier", "J. Groß"]),
                "Erfolgreich" if is_good else chance.choice(["fehlgeschlagen", "Fehler"]),
                "0" if is_good else chance.choice(["1603", "-2147024891"]),
                "" if is_good else chance.choice(["Dienst gesperrt", "Datei fehlt"]),
                chance.choice(["ja", "nein", "k.A."]),
            ]
        )


@pytest.fixture
def german(tmp_path):
    path = tmp_path / "Paketierung Nord.csv"
    lines = ["Auswertung Nord;;;", "", GERMAN, *german_rows(), "Summe;;;;;;4.321,5;;;;;;;"]
    path.write_text("\r\n".join(lines), encoding="cp1252")
    return path


@pytest.fixture
def csv(tmp_path):
    """A function that writes lines as a CSV file."""

    def write(*lines, name="runs.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def run(*arguments, command=mapping):
    return CliRunner().invoke(command, [str(one) for one in arguments])


def roles_of(path, **said):
    return guess_mapping(path, Said(**said)).roles.of


def asked(path, **said):
    return [one.what for one in guess_mapping(path, Said(**said)).unknown if one.is_blocking]


def test_a_german_spreadsheet_is_read_without_a_question(german):
    proposal = guess_mapping(german)

    assert [one.what for one in proposal.unknown] == []
    assert proposal.roles.of == {
        "Lfd. Nr.": "record_id",
        "Anw.-Bezeichnung": "application_name",
        "Herst.": "application_vendor",
        "Paketart": "installer_type",
        "Ausgeführt am": "occurred_at",
        "Silent-Schalter": "approach",
        "Dauer (Min.)": "duration",
        "Paketgröße in MB": "context",
        "Standort": "context",
        "Bearbeiter/in": "context",
        "Ergebnis d. Installation": "outcome_status",
        "Rückgabewert": "code",
        "Bemerkungen": "detail",
        "Neustart?": "ignore",
    }
    trial = try_mapping(german, proposal.mapping())
    rows = list(german_rows())
    assert (trial.read, trial.accepted, trial.refused) == (300, 300, 0)
    size = rows[0].split(";")[7].replace(".", "").replace(",", ".")
    assert trial.records[0]["context"]["paketgrosse_in_mb"] == float(size)
    assert trial.records[0]["context"]["bearbeiter_in"].startswith("pseudonym:")


def test_what_is_written_is_what_was_tried_and_every_guess_is_marked(german, tmp_path, store):
    target = tmp_path / "m.yaml"
    proposal = guess_mapping(german)
    write_yaml(proposal, target)
    lines = target.read_text(encoding="utf-8").splitlines()

    assert load_mapping(target) == proposal.mapping()
    for column, role in proposal.roles.of.items():
        if role in {"application_name", "record_id", "context", "approach", "ignore"}:
            assert any(column in line and "# guess: " in line for line in lines), column
    assert ingest_file(store, "outcomes", german, mapping=target).new == 300


LANGUAGES = {
    "en": ("App name,Publisher,Start time,Switch,Result,Error message", "Successful", "Failed"),
    "de": ("Anwendung,Hersteller,Zeitpunkt,Schalter,Ergebnis,Fehlermeldung", "Erfolgreich", "Fehlgeschlagen"),
    "fr": ("Logiciel,Éditeur,Date et heure,Commutateur,Résultat,Message d'erreur", "Réussi", "Échoué"),
    "es": ("Aplicación,Fabricante,Fecha y hora,Parámetros,Estado,Mensaje", "Éxito", "Fallido"),
    "it": ("Applicazione,Produttore,Data e ora,Parametri,Esito,Messaggio", "Riuscito", "Fallito"),
    "pt": ("Aplicação,Fornecedor,Data e hora,Parâmetros,Situação,Mensagem", "Concluído", "Falhou"),
    "nl": ("Toepassing,Leverancier,Tijdstip,Opties,Uitkomst,Foutmelding", "Geslaagd", "Mislukt"),
    "pl": ("Aplikacja,Producent,Data i czas,Parametry,Wynik,Komunikat", "Sukces", "Błąd"),
    "sv": ("Programvara,Leverantör,Tidpunkt,Parametrar,Utfall,Felmeddelande", "Lyckades", "Misslyckades"),
    "da": ("Programnavn,Leverandør,Tidspunkt,Switch,Utfald,Fejlbesked", "Lykkedes", "Fejlet"),
    "nb": ("Programnavn,Leverandør,Tidspunkt,Switch,Utfallet,Feilmelding", "Vellykket", "Mislyktes"),
    "cs": ("Aplikace,Výrobce,Datum a čas,Parametry,Výsledek,Zpráva", "Úspěch", "Selhalo"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_headers_and_states_of_many_languages(csv, language):
    header, good, bad = LANGUAGES[language]
    rows = [
        f"App {n % 5},V{n % 3},2026-03-{n % 28 + 1:02d}T08:00:00Z,/S,{good if n % 3 else bad},"
        f"{'' if n % 3 else 'x'}"
        for n in range(60)
    ]
    proposal = guess_mapping(csv(header, *rows))
    trial = try_mapping(csv(header, *rows), proposal.mapping())

    names = header.split(",")
    assert list(proposal.roles.of.values()) == [
        "application_name",
        "application_vendor",
        "occurred_at",
        "approach",
        "outcome_status",
        "detail",
    ], names
    assert (trial.accepted, trial.refused) == (60, 0)
    assert [one["outcome_status"] for one in trial.records] == [
        *("failure", "success", "success", "failure", "success")
    ]


HEADER = "app,when,state,switch"


def test_words_that_are_not_known_are_asked_and_refused_until_they_are(csv):
    path = csv(HEADER, *("A,2026-03-01T00:00:00Z,ok,/S", "B,2026-03-01T00:00:00Z,abgebrochen,/S") * 5)
    answer = run("guess", path)

    assert answer.exit_code == 1
    assert "what 'abgebrochen' in 'state' means (5 rows)" in answer.stderr
    assert "--status abgebrochen=success (or failure, partial, skip)" in answer.stdout
    assert "5 would be stored, 0 skipped, 5 refused" in answer.stdout
    answer = run("guess", path, "--status", "abgebrochen=skip")
    assert answer.exit_code == 0
    assert "5 would be stored, 5 skipped, 0 refused" in answer.stdout


@pytest.mark.parametrize("words", [("0", "1"), ("1", "2"), ("gelb", "lila"), ("closed", "open")])
def test_words_with_several_meanings_are_not_guessed(csv, words):
    path = csv(HEADER, *(f"A,2026-03-01T00:00:00Z,{word},/S" for word in words * 3))
    assert len(asked(path)) == 2
    assert run("guess", path).exit_code == 1


def test_completed_is_a_success_only_beside_a_failure(csv):
    def rows(*words):
        return csv(HEADER, *(f"A,2026-03-01T00:00:00Z,{word},/S" for word in words))

    assert asked(rows("completed", "completed")) != []
    assert asked(rows("completed", "failed")) == []


def test_a_question_is_answered_by_yes_and_no(csv):
    path = csv("app,when,erfolgreich", "A,2026-03-01T00:00:00Z,ja", "B,2026-03-01T00:00:00Z,nein")
    trial = try_mapping(path, guess_mapping(path).mapping())
    assert [one["outcome_status"] for one in trial.records] == ["success", "failure"]


def test_exit_codes_say_the_status_where_nothing_else_does(csv):
    rows = [f"A,2026-03-01T00:00:00Z,{code}" for code in ("0", "3010", "1603", "0x80070005")]
    path = csv("app,when,exit code", *rows)
    trial = try_mapping(path, guess_mapping(path).mapping())

    assert [one["outcome_status"] for one in trial.records] == ["success", "success", "failure", "failure"]
    reasons = [one["failure_reasons"][0]["reason"] for one in trial.records[2:]]
    assert reasons == ["fatal_error", "other_exit_code"]


TIMES = {
    "03/25/2026 02:15 PM": ("04/03/2026 01:00 AM", "2026-03-25T14:15:00+00:00"),
    "25/03/2026 14:15": ("04/03/2026 01:00", "2026-03-25T14:15:00+00:00"),
    "25.03.26": ("04.03.26", "2026-03-25T00:00:00+00:00"),
    "20260325141500.000000+060": ("20260303010000.000000+060", "2026-03-25T13:15:00+00:00"),
    "1774448100": ("1772500000", "2026-03-25T14:15:00+00:00"),
    "46106.59375": ("46085.5", "2026-03-25T14:15:00+00:00"),
}


@pytest.mark.parametrize("first", TIMES)
def test_forms_of_times(csv, first):
    second, read = TIMES[first]
    path = csv("app,when,state", f"A,{first},ok", f"B,{second},failed")
    trial = try_mapping(path, guess_mapping(path, Said(timezone="UTC")).mapping())
    assert trial.accepted == 2
    assert trial.records[0]["occurred_at"] == read


def test_an_order_that_no_date_shows_is_asked(csv):
    path = csv("app,when,state", "A,03/04/2026 10:00,ok", "B,05/04/2026 10:00,failed")

    assert "whether the day or the month stands first in 'when' ('03/04/2026 10:00'" in asked(path)[0]
    assert run("guess", path).exit_code == 1
    for order, month in (("day", "04"), ("month", "03")):
        proposal = guess_mapping(path, Said(order=order, timezone="UTC"))
        assert try_mapping(path, proposal.mapping()).records[0]["occurred_at"][5:7] == month
    # In a language that writes the day first nothing is asked, but the doubt is written down.
    path = csv("Anwendung;Datum;Ergebnis", "A;03/04/2026;Erfolgreich", "B;05/04/2026;Fehlgeschlagen")
    assert asked(path) == []
    assert "no value shows it" in yaml_of(guess_mapping(path))


NUMBERS = {
    ("1,5", "1.234,5"): ("de_DE", 1.5),
    ("1.5", "1,234.5"): (None, 1.5),
    ("1.234", "2,5"): ("de_DE", 1234),
    ("1,234", "2.5"): (None, 1234),
}


@pytest.mark.parametrize("cells", NUMBERS)
def test_decimal_marks(csv, cells):
    locale, value = NUMBERS[cells]
    rows = [f"A;2026-03-01T00:00:00Z;ok;{cells[0]}", f"B;2026-03-01T00:00:00Z;failed;{cells[1]}"]
    path = csv("app;when;state;size", *rows)
    proposal = guess_mapping(path)

    assert proposal.content.get("locale") == locale
    assert try_mapping(path, proposal.mapping()).records[0]["context"]["size"] == value


def test_a_number_with_two_readings_is_said(csv):
    path = csv(
        "app;when;state;size", "A;2026-03-01T00:00:00Z;ok;1,234", "B;2026-03-01T00:00:00Z;failed;5,678"
    )
    found = [one for one in guess_mapping(path).unknown if "decimals or thousands" in one.what]
    assert [one.remedy for one in found] == ["--locale de_DE, or --locale en_US"]
    assert not any(one.is_blocking for one in found)


def test_what_follows_from_the_outcome_is_not_a_condition(csv):
    rows = [
        f"A{n % 3},2026-03-01T00:00:00Z,{'ok' if n % 2 else 'failed'},{'' if n % 2 else 'E7'},"
        f"{'gruen' if n % 2 else 'lila'},{'x' if n % 3 else 'y'}"
        for n in range(60)
    ]
    path = csv("app,when,state,stage,lamp,site", *rows)
    assert roles_of(path) == {
        "app": "application_name",
        "when": "occurred_at",
        "state": "outcome_status",
        "stage": "detail",
        "lamp": "ignore",
        "site": "context",
    }


def test_a_time_of_day_beside_a_date_is_not_a_condition(csv):
    rows = [
        f"{n % 28 + 1}.03.2026;{n % 9 + 8}:0{n % 7}:{10 + n};A;{'ok' if n % 2 else 'nok'}" for n in range(40)
    ]
    roles = guess_mapping(csv("Datum;Uhrzeit;Programm;Zustand", *rows)).roles
    assert (roles.of["Datum"], roles.of["Uhrzeit"]) == ("occurred_at", "ignore")
    assert "a time of day" in roles.why["Uhrzeit"]


def test_durations_with_units_are_read_in_seconds(csv):
    rows = [f"A;2026-03-01T00:00:00Z;{'ok' if n % 2 else 'nok'};{n} min 5 s" for n in range(6)]
    path = csv("app;when;state;duration", *rows)
    trial = try_mapping(path, guess_mapping(path).mapping())
    assert trial.records[2]["performance_metrics"] == {"duration_seconds": 125}


def test_settings_are_found_within_command_lines(csv):
    rows = [f"2026-03-01 10:00:00|msiexec /i C:\\App{n}-1.2-x64.msi /qn|{n % 2 * 1603}" for n in range(6)]
    path = csv("when|install_cmd|rc", *rows)
    record = try_mapping(path, guess_mapping(path, Said(timezone="UTC")).mapping()).records[1]
    assert (record["application_name"], record["installer_type"]) == ("App1", "msi")
    assert record["approach_details"]["silent_switch"] == "/qn"


def test_what_a_person_says_is_not_guessed(csv):
    path = csv("a;b;c;d", "X;2026-03-01T00:00:00Z;gelb;/S", "Y;2026-03-01T00:00:00Z;lila;/S")
    answer = run(
        *(
            "guess",
            path,
            "--role",
            "application_name=a",
            "--role",
            "outcome_status=c",
            "--role",
            "approach=d",
        ),
        *("--status", "gelb=failure", "--status", "lila=success"),
    )
    assert answer.exit_code == 0, answer.output
    assert "2 would be stored" in answer.stdout
    written = yaml_of(guess_mapping(path, Said(roles={"a": "application_name"}, timezone="UTC")))
    assert "application_name: a  # you said so" in written
    with pytest.raises(IngestError, match="there is no column 'z'; there are: 'a', 'b'"):
        roles_of(path, roles={"z": "context"})
    with pytest.raises(IngestError, match="'colour' is not a role"):
        roles_of(path, roles={"a": "colour"})
    with pytest.raises(IngestError, match="'good' is not one of success, failure, partial, skip"):
        roles_of(path, states={"gelb": "good"})


def test_nested_data(tmp_path):
    runs = [
        {
            "id": n,
            "package": {"name": f"App {n % 4}"},
            "started": "2026-03-01T10:00:00Z",
            "conclusion": "success" if n % 2 else "failure",
            "status": "completed",
            **({"arch": "x64"} if n % 3 else {}),
        }
        for n in range(1, 31)
    ]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps({"total": 30, "data": {"runs": runs}}), encoding="utf-8")
    proposal = guess_mapping(path)
    trial = try_mapping(path, proposal.mapping())

    assert proposal.content["records"] == "data.runs"
    assert proposal.roles.of["package.name"] == "application_name"
    assert proposal.roles.of["conclusion"] == "outcome_status"
    assert (trial.read, trial.accepted) == (30, 30)
    assert proposal.content["columns"]["arch"] == {"optional": True}


def test_a_file_is_not_overwritten_unless_that_is_said(german, tmp_path):
    target = tmp_path / "mine.yaml"
    target.write_text("kept", encoding="utf-8")

    answer = run("guess", german, "--output", target)
    assert answer.exit_code == 1
    assert "is there already and was left as it is" in answer.stderr
    assert target.read_text(encoding="utf-8") == "kept"
    assert run("guess", german, "--output", target, "--overwrite").exit_code == 0
    assert load_mapping(target).name == "paketierung_nord"


def test_ingest_with_guess_stores_nothing(german, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMORY_HOME", str(tmp_path / "home"))
    target = tmp_path / "m.yaml"
    answer = run("outcomes", german, "--guess", "--mapping", target, command=ingest)

    assert answer.exit_code == 0
    assert "300 would be stored" in answer.stdout
    assert f"then: memory-pipeline ingest outcomes {german} --mapping {target}" in answer.stdout
    assert target.is_file()
    assert not (tmp_path / "home").exists()


def test_a_log_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("x\n", encoding="utf-8")
    with pytest.raises(IngestError, match="only a mapping with the key `log`"):
        guess_mapping(path)


def test_the_vocabulary_is_folded_and_no_word_means_two_things():
    words = [word for words in (*HEADERS.values(), *STATES.values()) for word in words]
    assert [word for word in words if fold(word) != word] == []
    assert all(state_of(word) == meaning for meaning, words in STATES.items() for word in words)
    assert header_score("Computername", "device") > header_score("Computername", "application_name")
