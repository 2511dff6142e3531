"""The sentences of the synthetic messages, for ``sample.py``: one per line, by team and language.

One of the words in [a|b] is used, {thing} is a product and {day} a day.
"""

import re
from itertools import product

__all__ = ["DAYS", "HELLO", "LINK", "NEW_TOPIC", "SENTENCES", "THANKS", "THINGS", "VAGUE"]

HELLO = {
    "en": ["", "", "Hello, ", "Hi, ", "Dear team, ", "Good morning, "],
    "de": ["", "", "Hallo, ", "Guten Tag, ", "Liebes Team, ", "Moin, "],
}
THANKS = {
    "en": ["", "", " Thank you.", " Please help.", " Kind regards", " I hope to hear from you."],
    "de": ["", "", " Danke.", " Bitte helfen Sie mir.", " Viele Grüße", " Bitte um Antwort."],
}
LINK = {"en": [" Also, ", " By the way: ", " "], "de": [" Außerdem: ", " Übrigens: ", " "]}
DAYS = {
    "en": ["yesterday", "last week", "on Monday", "two weeks ago", "this morning", "in May"],
    "de": ["gestern", "letzte Woche", "am Montag", "vor zwei Wochen", "heute früh", "im Mai"],
}
# The second half of the products is sold later: see drift in sample.py.
THINGS = {
    "en": "kettle lamp drill toaster blender mower fan heater iron desk chair shelf "
    "speaker camera doorbell thermostat scooter robot projector charger tablet watch",
    "de": "Wasserkocher Lampe Bohrer Toaster Mixer Mäher Ventilator Heizung Bügeleisen Tisch Stuhl "
    "Regal Lautsprecher Kamera Türklingel Thermostat Roller Roboter Beamer Ladegerät Tablet Uhr",
}
# A person knows the team from an earlier call. The message does not show it.
VAGUE = {
    "en": """
        [I called|I wrote|We spoke] {day} about the {thing} and [no one answered|nothing happened].
        It is about the {thing}. [Can you call me?|Who can help me?|Please reply.]
        I still have the same problem with the {thing} as {day}.""",
    "de": """
        Ich habe {day} wegen {thing} [angerufen|geschrieben] und [nichts gehört|keine Antwort].
        Es geht um {thing}. [Können Sie anrufen?|Wer kann helfen?|Bitte um Antwort.]
        Mit {thing} habe ich noch das gleiche Problem wie {day}.""",
}
SENTENCES = {
    ("billing", "en"): """
        I [was charged|paid|was billed] twice for the {thing}.
        The [invoice|bill|statement] for the {thing} shows [the wrong amount|a wrong total|no tax].
        You took the money from my [card|account|bank] {day}, but the order [failed|was cancelled].
        [Where is|I still wait for] the refund for the {thing} that I returned {day}.
        I need [an invoice|a receipt|a bill] with the address of my company.
        My [card|bank|payment] was declined at the checkout of the {thing}.
        The discount was not [taken off|applied] when I [ordered|paid for] the {thing}.
        Can I [pay in parts|pay later|pay by transfer] for the {thing}?
        Why [do I owe you|was I reminded of] something? I settled it {day}.""",
    ("billing", "de"): """
        Der {thing} wurde [doppelt abgebucht|zweimal berechnet].
        Auf der [Rechnung|Quittung|Abrechnung] für {thing} steht [der falsche Betrag|keine Steuer].
        Sie haben {day} Geld von meiner [Karte|Bank] eingezogen, aber die Bestellung [fehlt|hakt].
        Die [Erstattung|Gutschrift] für {thing}, zurückgeschickt {day}, ist noch nicht da.
        Ich brauche [eine Rechnung|einen Beleg] mit der Anschrift der Firma.
        Meine [Karte|Zahlung] wurde beim Kauf von {thing} abgelehnt.
        Der Rabatt wurde bei {thing} nicht [abgezogen|berücksichtigt].
        Kann ich {thing} [in Raten|später|per Überweisung] zahlen?
        Warum bekomme ich eine Mahnung? Ich habe {day} alles beglichen.""",
    ("delivery", "en"): """
        [My parcel|The {thing}|The order] has not [arrived|come|been delivered] yet.
        The courier [left|dropped] the {thing} [at a wrong door|with a stranger|in the rain] {day}.
        The tracking has [not changed|shown nothing new] since {day}.
        [Where is|When will I get] the {thing} that I ordered {day}?
        Can you [send|ship] the {thing} to another address?
        I was at home {day}, but the driver [did not ring|went away].
        The box was [open|empty|crushed] when it came {day}.
        Only half of the order [came|was in the box], the {thing} is missing.
        Can the {thing} be brought [in the evening|on Saturday|to a shop]?""",
    ("delivery", "de"): """
        [Mein Paket|Die Bestellung|Die Sendung] mit {thing} ist noch nicht [da|angekommen].
        Der Bote hat {thing} {day} [beim falschen Nachbarn|im Regen|vor der Tür] abgestellt.
        Die Sendungsverfolgung zeigt seit {day} [nichts Neues|den gleichen Stand].
        [Wo bleibt|Wann kommt] {thing}, bestellt {day}?
        Können Sie {thing} an eine andere Adresse [senden|schicken]?
        Ich war {day} zu Hause, aber der Fahrer hat nicht geklingelt.
        Der Karton war bei der Übergabe {day} [offen|leer|zerdrückt].
        Nur die Hälfte der Bestellung [kam an|war im Karton], {thing} fehlt.
        Kann {thing} [abends|am Samstag|in einen Laden] gebracht werden?""",
    ("returns", "en"): """
        I want to [return|send back|give back] the {thing}.
        [How do I get|Where is|Please send] a label to send the {thing} back?
        The {thing} does not [fit|suit me], I would like [another size|another one|my money back].
        You sent [the wrong {thing}|a used {thing}|another {thing} than I ordered].
        The {thing} arrived broken {day}, I want [a new one|to exchange it|my money].
        How many days do I have to [change my mind|cancel] after I bought the {thing}?
        Do you [take|accept] the {thing} without its box?
        Who pays the postage if I do not keep the {thing}?
        I sent the {thing} {day}. [Did you receive it?|Has it reached you?]""",
    ("returns", "de"): """
        Ich möchte {thing} [zurückgeben|zurückschicken|zurücksenden].
        [Wo finde ich|Bitte schicken Sie mir] ein Etikett, um {thing} zurückzusenden.
        {thing} [passt|gefällt] mir nicht, ich hätte gern [eine andere Farbe|mein Geld zurück].
        Sie haben [das falsche Modell|ein gebrauchtes Gerät] geschickt, ich hatte {thing} bestellt.
        {thing} kam {day} kaputt an, ich möchte [Ersatz|umtauschen|mein Geld].
        Wie lange kann ich den Kauf von {thing} [widerrufen|stornieren]?
        Nehmen Sie {thing} ohne Verpackung [an|zurück]?
        Wer zahlt das Porto, wenn ich {thing} nicht behalte?
        Ich habe {thing} {day} abgeschickt. [Ist es bei Ihnen?|Haben Sie es erhalten?]""",
    ("account", "en"): """
        I [forgot|lost] my password and the mail to reset it [never came|does not work].
        I cannot [log in|sign in] since {day}.
        Please [delete|close] my account and [all data|my profile].
        How do I change [the address|my name|the phone number] in my profile?
        Someone else [used|ordered with] my account {day}.
        The code that you [text|send] me is [refused|too late].
        I have two [accounts|profiles], can you join them?
        Please stop the [newsletter|advertising|mails].
        Where do I see [my old orders|what I bought {day}]?""",
    ("account", "de"): """
        Ich habe mein Passwort [vergessen|verloren] und die Mail kommt nicht.
        Ich kann mich seit {day} nicht [anmelden|einloggen].
        Bitte [löschen|schließen] Sie mein Konto und [alle Daten|mein Profil].
        Wie ändere ich [die Adresse|meinen Namen|die Telefonnummer] im Profil?
        Jemand hat {day} mit meinem Konto [bestellt|eingekauft].
        Der Code, den Sie mir [senden|schicken], [wird abgelehnt|kommt zu spät].
        Ich habe zwei [Konten|Profile], können Sie diese verbinden?
        Bitte keine [Newsletter|Werbung|Mails] mehr.
        Wo sehe ich [frühere Käufe|was ich {day} gekauft habe]?""",
    ("technical", "en"): """
        The {thing} does not [start|turn on|charge|connect] any more.
        The {thing} [stopped working|broke|went dark|makes a noise] {day}.
        The display of the {thing} shows [an error|a code|nothing].
        How do I [reset|connect|update|clean] the {thing}?
        The {thing} [gets hot|smells burnt|leaks|loses its battery] after a few minutes.
        I need [a spare part|a new cable|a filter] for the {thing}.
        The manual of the {thing} does not explain [the setup|the buttons].
        Is the repair of the {thing} [free|covered by the warranty]?
        Since {day} the {thing} [loses the network|switches itself off].""",
    ("technical", "de"): """
        {thing} lässt sich nicht mehr [einschalten|laden|verbinden].
        {thing} [ging kaputt|ist defekt|macht Geräusche], seit {day}.
        Die Anzeige von {thing} zeigt [einen Fehler|einen Code|nichts].
        Wie kann ich {thing} [zurücksetzen|verbinden|aktualisieren|reinigen]?
        {thing} [wird heiß|riecht verbrannt|tropft|verliert Strom] nach wenigen Minuten.
        Ich brauche [ein Ersatzteil|ein neues Kabel|einen Filter] für {thing}.
        Die Anleitung von {thing} erklärt [den Aufbau|die Tasten] nicht.
        Ist die Reparatur von {thing} [kostenlos|durch die Garantie gedeckt]?
        Seit {day} [verliert {thing} das Netz|schaltet sich {thing} aus].""",
    ("advice", "en"): """
        Which {thing} [do you recommend|is best] for [a small flat|a family|a beginner]?
        Is the {thing} [quiet|safe|strong] enough for [children|an office|every day]?
        What is the difference between the two models of the {thing}?
        When is the {thing} [in stock|available] again?
        Does the {thing} [fit|work with] the one that I bought {day}?
        How [large|heavy|loud] is the {thing}?
        I am looking for a present. Is the {thing} a good idea?
        Does the price of the {thing} include [a cable|a battery|the setup]?
        How long [does the battery of|does] the {thing} last?""",
    ("advice", "de"): """
        Welchen {thing} [empfehlen Sie|nehme ich am besten] für [eine kleine Wohnung|eine Familie]?
        Ist {thing} [leise|sicher|stark] genug für [Kinder|ein Büro|jeden Tag]?
        Was ist der Unterschied zwischen den beiden Modellen von {thing}?
        Wann ist {thing} wieder [lieferbar|vorrätig]?
        Passt {thing} zu dem Modell, das ich {day} gekauft habe?
        Wie [groß|schwer|laut] ist {thing}?
        Ich suche ein Geschenk. Ist {thing} eine gute Idee?
        Ist im Preis von {thing} [ein Kabel|ein Akku|der Aufbau] enthalten?
        Wie lange hält [der Akku von|wohl] {thing}?""",
}
NEW_TOPIC = {
    "en": """
        My club points for the {thing} are [missing|not booked].
        How do I [join|leave] the club?
        The club bonus was not [taken off|applied] when I bought the {thing} {day}.
        When do I reach the gold level? I bought a {thing} {day}.
        [Can I|How do I] pay for the {thing} with points?
        The club box has not [arrived|come] yet.""",
    "de": """
        Meine Clubpunkte für {thing} [fehlen|sind nicht gebucht].
        Wie kann ich dem Club [beitreten|kündigen]?
        Der Clubbonus wurde bei {thing} {day} nicht [abgezogen|berücksichtigt].
        Wann erreiche ich die Goldstufe? Ich habe {day} {thing} gekauft.
        [Kann ich|Wie kann ich] {thing} mit Punkten zahlen?
        Das Clubpaket ist noch nicht [da|angekommen].""",
}


def spelled_out(lines: str) -> list[str]:
    """Each line once for every combination of its words in brackets."""
    # What was not in brackets is a choice of one.
    parts = [re.split(r"[\[\]]", line.strip()) for line in lines.strip().splitlines()]
    return [
        "".join(words) for line in parts for words in product(*(part.split("|") for part in line))
    ]
