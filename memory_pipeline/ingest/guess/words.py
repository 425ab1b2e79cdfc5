"""Words of headers and of states in ten languages: de, en, fr, es, it, pt, nl, pl, cs, and sv, da and nb.

Words that mean success in one place and something else in another (`cancelled`, `closed`, numbers) are left
out on purpose: what they mean is asked, not guessed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "œ": "oe"})
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Return a text as lower-case words of plain letters: `installer type` for `Installer-Type`.

    Examples
    --------
    >>> fold("InstallDauer (Min.)"), fold("Größe_MB"), fold("État")
    ('install dauer min', 'grosse mb', 'etat')
    """
    apart = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text)).casefold().translate(_LETTERS)
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return _NOT_A_WORD.sub(" ", plain).strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


HEADERS: dict[str, frozenset[str]] = {
    "application_name": _words(
        "application, application name, app, app name, package, package name, software, software name, "
        "product, product name, program, title, anwendung, anwendungsname, paket, paketname, programm, "
        "programmname, produkt, produktname, softwarename, softwarepaket, logiciel, nom du logiciel, "
        "paquet, produit, nom, aplicacion, paquete, programa, producto, nombre, applicazione, pacchetto, "
        "prodotto, programma, nome, aplicacao, aplicativo, pacote, produto, toepassing, pakket, naam, "
        "aplikacja, pakiet, oprogramowanie, nazwa, program namn, programvara, applikation, paket namn, "
        "pakke, pakkenavn, programnavn, navn, namn, aplikace, balicek, nazev, name, bezeichnung, anw, "
        "anwendungsbezeichnung, paketbezeichnung, softwarebezeichnung, appl, display name, app display "
        "name, benennung, designation, denominacion, denominazione, designacao, benaming, nazwa aplikacji, "
        "nazev aplikace"
    ),
    "application_version": _words(
        "version, application version, app version, package version, product version, versie, versione, "
        "versao, versionsnummer, programmversion, softwareversion, paketversion, wersja, verze, versjon, "
        "ver, version du logiciel"
    ),
    "application_vendor": _words(
        "vendor, publisher, manufacturer, hersteller, anbieter, herausgeber, editeur, fournisseur, "
        "fabricant, proveedor, fabricante, editor, fornitore, produttore, editore, fornecedor, leverancier, "
        "fabrikant, uitgever, producent, dostawca, wydawca, vyrobce, dodavatel, vydavatel, leverantor, "
        "tillverkare, leverandor, produsent, utgiver, udgiver, herst, mfr, vend, fabr, hersteller name"
    ),
    "application_type": _words(
        "application type, app type, category, app category, kategorie, anwendungstyp, categorie, "
        "categoria, kategoria, kategori, programmart"
    ),
    "installer_type": _words(
        "installer type, installer, package type, setup type, installer technology, technology, "
        "installertyp, installationstyp, pakettyp, paketart, setup typ, inst typ, installer typ, type d "
        "installeur, type d installateur, type de paquet, tipo de instalador, tipo di installer, tipo de "
        "pacote, tipo installer, type installatie, typ instalatora, typ instalatoru, installasjonstype, "
        "installertype, format, paketformat"
    ),
    "occurred_at": _words(
        "time, date, timestamp, datetime, when, occurred at, start, start time, started at, started, "
        "created, created at, run at, finished at, finished, end time, install date, installed on, datum, "
        "zeit, zeitpunkt, zeitstempel, uhrzeit, beginn, startzeit, gestartet, am, datum uhrzeit, datum und "
        "uhrzeit, installiert am, durchgefuhrt am, heure, date heure, date et heure, horodatage, debut, "
        "fecha, hora, fecha y hora, inicio, data, ora, data e ora, inizio, data hora, data e hora, tijd, "
        "tijdstip, datum tijd, starttijd, czas, data i czas, rozpoczecie, cas, datum a cas, zacatek, tid, "
        "tidpunkt, dato, dato og klokkeslett, tidspunkt, starttid, starttidspunkt, executed at, ausgefuhrt "
        "am"
    ),
    "outcome_status": _words(
        "status, state, result, outcome, success, successful, succeeded, conclusion, zustand, ergebnis, "
        "erfolg, erfolgreich, resultat, statut, etat, succes, reussi, estado, resultado, exito, stato, "
        "esito, risultato, riuscito, situacao, sucesso, toestand, uitkomst, gelukt, stan, wynik, stav, "
        "vysledek, uspech, utfall, lyckades, utfald, utfallet, lykkedes, install state, install status, "
        "deployment status, installationsstatus"
    ),
    "code": _words(
        "exit code, exitcode, exit, return code, returncode, error code, errorcode, rc, code, result code, "
        "ruckgabewert, ruckgabecode, fehlercode, beendigungscode, exit wert, fehlernummer, code de sortie, "
        "code retour, code de retour, code erreur, code d erreur, codigo de salida, codigo de error, "
        "codigo, codice di uscita, codice errore, codice di errore, codice, codigo de saida, codigo de "
        "erro, foutcode, afsluitcode, kod wyjscia, kod bledu, kod, navratovy kod, chybovy kod, felkod, "
        "returkod, fejlkode, feilkode, returkode"
    ),
    "duration": _words(
        "duration, elapsed, elapsed time, runtime, run time, minutes, seconds, install time, dauer, "
        "laufzeit, installationsdauer, zeitdauer, duree, duracion, durata, duracao, duur, looptijd, czas "
        "trwania, doba trvani, trvani, varaktighet, varighet, varighed, dauer min, dauer sek, dauer "
        "minuten, minuten"
    ),
    "record_id": _words(
        "id, run, run id, attempt, attempt id, job, job id, ticket, ticket id, case, case id, number, no, "
        "nr, key, guid, uuid, lfd nr, laufende nummer, laufnummer, vorgang, vorgangsnummer, vorgangsnr, "
        "auftrag, auftragsnummer, auftragsnr, nummer, ticketnummer, fall, kennung, schlussel, numero, num, "
        "no de ticket, identifiant, identificador, identificativo, id esecuzione, kenmerk, numer, "
        "zgloszenie, cislo, pozadavek, arende, arendenummer, sag, sagsnummer, sak, saksnummer, pr, build, "
        "build id"
    ),
    "command": _words(
        "command, command line, commandline, install command, install command line, cmd, befehl, "
        "befehlszeile, installationsbefehl, kommandozeile, kommando, aufruf, commande, ligne de commande, "
        "comando, linea de comandos, linea di comando, linha de comando, opdracht, opdrachtregel, "
        "polecenie, wiersz polecen, prikaz, prikazovy radek, kommandorad, kommandolinje"
    ),
    "detail": _words(
        "message, error message, error, error text, details, detail, reason, log, remarks, comment, "
        "comments, note, notes, fehler, fehlertext, fehlermeldung, meldung, bemerkung, bemerkungen, "
        "kommentar, ursache, grund, hinweis, message d erreur, erreur, commentaire, remarque, mensaje, "
        "mensaje de error, error mensaje, comentario, motivo, messaggio, messaggio di errore, errore, "
        "commento, mensagem, mensagem de erro, erro, melding, foutmelding, opmerking, komunikat, blad, "
        "uwagi, komentarz, zprava, chyba, poznamka, meddelande, felmeddelande, besked, fejl, fejlbesked, "
        "feilmelding, merknad"
    ),
    "person": _words(
        "user, user name, username, upn, user principal name, email, e mail, mail, owner, technician, "
        "engineer, packager, operator, requester, benutzer, benutzername, anwender, bearbeiter, "
        "bearbeiterin, techniker, paketierer, mitarbeiter, verantwortlich, utilisateur, technicien, "
        "responsable, usuario, tecnico, responsabile, utente, utilizador, tecnico responsavel, gebruiker, "
        "medewerker, uzytkownik, pracownik, uzivatel, pracovnik, anvandare, bruger, bruker, ansvarig, "
        "ansvarlig, login, author, actor, created by, assigned to, erstellt von, installed by, installiert "
        "von"
    ),
    "device": _words(
        "device, device name, computer, computer name, host, host name, hostname, machine, pc, client, "
        "gerat, geratename, rechner, rechnername, computername, client name, endgerat, poste, ordinateur, "
        "appareil, equipo, dispositivo, ordenador, nombre del equipo, apparaat, komputer, urzadzenie, "
        "pocitac, zarizeni, dator, enhet, enhed, maskin, maskine, serial, serial number, seriennummer"
    ),
    "approach": _words(
        "silent switch, silent switches, switch, switches, silent parameter, parameter, parameters, "
        "arguments, install arguments, install parameters, transform, transforms, mst, wrapper, install "
        "method, method, install context, install behavior, reboot handling, reboot behavior, detection, "
        "detection method, detection rule, approach, setting, deployment method, deployment type, silent "
        "schalter, schalter, installationsparameter, installationsmethode, methode, vorgehen, verteilart, "
        "verteilmethode, installationskontext, kontext, neustartverhalten, erkennung, erkennungsregel, "
        "erkennungsmethode, transformation, argumente, optionen, parametre, parametres, commutateur, "
        "detection regle, contexte, parametros, metodo, contexto, parametri, contesto, opcoes, optie, "
        "opties, detectie, parametry, metoda, przelacznik, kontekst, prepinac, parametrar, metod, args, "
        "silent args, install args, silent, unattended switch, installer arguments, options"
    ),
    "after": _words(
        "retries, retry, retry count, attempts, warnings, warning count, errors, error count, cpu, memory, "
        "versuche, wiederholungen, anzahl fehler, warnungen, tentatives, intentos, tentativi, tentativas, "
        "pogingen, proby, pokusy, forsok, forsog, log size, rating, bewertung, exit codes, neustart, "
        "redemarrage, reinicio, riavvio, herstart, restart, omstart, reboot, reboot required, neustart "
        "erforderlich"
    ),
}
"""Words in headers by the role of the column."""

STATES: dict[str, frozenset[str]] = {
    "success": _words(
        "success, successful, successfully, succeeded, ok, okay, pass, passed, installed, complete, "
        "completed, done, green, erfolg, erfolgreich, erfolgreich installiert, installiert, gelungen, "
        "bestanden, in ordnung, fertig, i o, io, succes, reussi, reussie, reussite, installe, termine avec "
        "succes, exito, exitoso, exitosa, correcto, instalado, completado, riuscito, riuscita, successo, "
        "installato, completato, sucesso, concluido, bem sucedido, geslaagd, gelukt, geinstalleerd, "
        "voltooid, sukces, powodzenie, zainstalowano, zakonczono pomyslnie, pomyslnie, uspech, uspesne, "
        "uspesny, nainstalovano, lyckades, lyckad, installerad, framgang, klar, lykkedes, vellykket, "
        "installeret, installert, fuldfort, fullfort, gennemfort, gruen, grun, success with reboot, reboot "
        "required, neustart erforderlich, erfolgreich neustart erforderlich"
    ),
    "failure": _words(
        "failure, failed, fail, failing, error, errored, not ok, nok, broken, red, install failed, "
        "unsuccessful, fehler, fehlgeschlagen, fehlerhaft, misserfolg, gescheitert, nicht erfolgreich, "
        "nicht ok, n i o, nio, nicht bestanden, defekt, kaputt, rot, installation fehlgeschlagen, fehler "
        "bei der installation, echec, echoue, echouee, erreur, en echec, fallo, fallido, fallida, error de "
        "instalacion, errado, fallito, fallita, non riuscito, non riuscita, errore, falha, falhou, erro, "
        "sem sucesso, mislukt, gefaald, fout, niet geslaagd, niet gelukt, blad, niepowodzenie, nie powiodlo "
        "sie, nieudany, nieudana, porazka, chyba, selhalo, neuspech, neuspesne, neuspesny, selhani, "
        "misslyckades, misslyckad, misslyckat, fel, mislykkedes, mislykket, mislyktes, fejl, fejlet, "
        "fejlede, feil, feilet"
    ),
    "partial": _words(
        "partial, partially, partial success, partly, with warnings, completed with warnings, teilweise, "
        "teilweise erfolgreich, teilerfolg, mit warnungen, partiel, partiellement, partielle, parcial, "
        "parcialmente, parziale, parzialmente, gedeeltelijk, deels, czesciowo, czesciowy, castecne, delvis, "
        "delvist"
    ),
    "skip": _words(
        "running, in progress, pending, queued, waiting, scheduled, not started, not applicable, skipped, "
        "lauft, in arbeit, ausstehend, geplant, wartend, nicht gestartet, nicht anwendbar, ubersprungen, en "
        "cours, en attente, planifie, non applicable, ignore, en curso, pendiente, programado, no "
        "aplicable, omitido, in corso, in attesa, pianificato, non applicabile, saltato, em andamento, "
        "pendente, agendado, nao aplicavel, ignorado, bezig, in behandeling, gepland, niet van toepassing, "
        "overgeslagen, w toku, oczekuje, zaplanowano, nie dotyczy, pominieto, probiha, ceka, naplanovano, "
        "nelze pouzit, preskoceno, pagar, vantar, planerad, ej tillamplig, hoppades over, igang, venter, "
        "planlagt, ikke relevant, sprunget over, hoppet over"
    ),
}
"""Words for what came of an attempt, by what they mean."""

TRUE_WORDS = _words(
    "true, yes, y, wahr, ja, j, oui, vrai, si, sim, tak, ano, verdadero, vero, prawda, sant, sand"
)
FALSE_WORDS = _words(
    "false, no, n, falsch, nein, non, faux, nao, nee, nie, ne, nej, nei, falso, falskt, onwaar"
)
SUCCESS_QUESTIONS = _words(
    "success, successful, succeeded, installed, ok, erfolg, erfolgreich, installiert, gelungen, succes, "
    "reussi, exito, riuscito, sucesso, gelukt, geslaagd, sukces, uspech, lyckades, lykkedes, is success, "
    "was successful, passed"
)
"""Headers that a true answers with success."""

LANGUAGE_MARKS: dict[str, frozenset[str]] = {
    "de_DE": _words(
        "anwendung, paket, programm, hersteller, datum, zeitpunkt, zeitstempel, ergebnis, zustand, dauer, "
        "benutzer, bearbeiter, fehler, fehlermeldung, bemerkung, gerat, rechner, ruckgabewert, fehlercode, "
        "erfolgreich, fehlgeschlagen, abteilung, standort, schalter, befehl, produkt, laufzeit, grosse, "
        "vorgang, erfolg, paketname, anwendungsname, uhrzeit, abgebrochen, teilweise, neustart"
    ),
    "fr_FR": _words(
        "logiciel, editeur, heure, statut, etat, duree, utilisateur, reussi, echec, erreur, commande, "
        "poste, fournisseur, horodatage, debut, resultat, commentaire, paquet"
    ),
    "es_ES": _words(
        "aplicacion, fecha, hora, estado, duracion, usuario, exito, fallo, paquete, proveedor, equipo, "
        "mensaje, resultado, fabricante"
    ),
    "it_IT": _words(
        "applicazione, pacchetto, produttore, fornitore, ora, stato, esito, durata, utente, riuscito, "
        "fallito, errore, messaggio, risultato, inizio"
    ),
    "pt_PT": _words(
        "aplicacao, aplicativo, pacote, fornecedor, situacao, duracao, utilizador, sucesso, falha, erro, "
        "mensagem, falhou, concluido"
    ),
    "nl_NL": _words(
        "toepassing, pakket, leverancier, tijdstip, tijd, duur, gebruiker, geslaagd, mislukt, foutmelding, "
        "uitkomst, gelukt, foutcode, fabrikant, apparaat"
    ),
    "pl_PL": _words(
        "aplikacja, pakiet, producent, dostawca, czas, wynik, uzytkownik, powodzenie, sukces, blad, wersja, "
        "stan, niepowodzenie, komunikat"
    ),
    "sv_SE": _words(
        "programvara, applikation, leverantor, tidpunkt, varaktighet, anvandare, lyckades, misslyckades, "
        "utfall, fel, felmeddelande, dator, tillverkare"
    ),
    "da_DK": _words(
        "pakke, leverandor, tidspunkt, varighed, bruger, lykkedes, mislykkedes, fejl, fejlbesked, enhed, "
        "udgiver"
    ),
    "nb_NO": _words(
        "programnavn, leverandor, tidspunkt, varighet, bruker, vellykket, mislyktes, feil, feilmelding, "
        "enhet, versjon"
    ),
    "cs_CZ": _words(
        "aplikace, balicek, vyrobce, dodavatel, vysledek, stav, uzivatel, uspech, chyba, verze, selhalo, "
        "trvani"
    ),
}
"""Words that show the language of a file, by a locale of it."""

UNITS: dict[str, frozenset[str]] = {
    "minutes": _words("min, mins, minute, minutes, minuten, minuti, minutos, minuter, minutter, minuty"),
    "seconds": _words(
        "s, sec, secs, second, seconds, sek, sekunde, sekunden, secondes, segundos, secondi, sekund, sekundy"
    ),
    "hours": _words("h, hr, hrs, hour, hours, std, stunden, heures, horas, ore, uren, timmar, timer, hodiny"),
}
"""Units of a duration in a header."""

ENDED = _words(
    "complete, completed, done, fertig, complet, completado, completato, concluido, voltooid, klar, "
    "fuldfort, fullfort, gennemfort"
)
"""Words for success that may also mean that an attempt has ended, well or badly."""

_SHORTEST_PART = 5
_ENOUGH_MARKS = 2


def state_of(value: str) -> str | None:
    """Return what a word for a state means (`success`, `failure`, `partial`, `skip`); None if unknown.

    Examples
    --------
    >>> state_of("Fehlgeschlagen!"), state_of("réussi"), state_of("abgebrochen")
    ('failure', 'success', None)
    """
    word = fold(value)
    return next((meaning for meaning, words in STATES.items() if word in words), None)


@lru_cache(maxsize=16_384)
def header_score(header: str, role: str) -> float:
    """Return how well a header fits a role: 3 a word of it, 2 for words within it, 1 for a part of a word."""
    folded = fold(header)
    words = HEADERS[role]
    if folded in words:
        return 3.0
    padded = f" {folded} "
    within = [word for word in words if f" {word} " in padded]
    if within:
        return 2.0 + max(len(word) for word in within) / 100
    parts = [word for word in words if len(word) >= _SHORTEST_PART and word in folded]
    return 1.0 + max(len(word) for word in parts) / 100 if parts else 0.0


def language_of(texts: list[str]) -> str | None:
    """Return a locale of the language that most words of a file are of; None where it may be English."""
    words = {word for text in texts for word in (fold(text), *fold(text).split())}
    counts = {locale: len(words & marks) for locale, marks in LANGUAGE_MARKS.items()}
    best = max(counts, key=lambda locale: counts[locale])
    return best if counts[best] >= _ENOUGH_MARKS else None
