"""From the letter itself: save a paper, ask for more like it, or mute the word that found it.

The link under a paper is bound to its reader, and says which paper and which interests found it. It
opens a page of buttons; each thing done there is that reader's own and can be undone there.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from newsletter import links, managing
from newsletter.cards import make_byline, paper_address
from newsletter.links import FeedbackValue
from newsletter.matching.display import readable
from newsletter.models import Paper, SavedPaper
from newsletter.saving import drop_paper, save_paper
from newsletter.suggestions import suggest_interests
from newsletter.tasks import send_notices_soon
from newsletter.web.carrying import carried
from newsletter.web.languages import prefer_language
from newsletter.web.visits import ADD, find_visitor, show_private
from subscribers import editing
from subscribers.models import Interest, Query, Subscriber

How = SavedPaper.How


@carried
def show_feedback(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what can be done about the paper; POST does what the pressed button says."""
    try:
        value = links.read_feedback(token)
    except links.BadToken:
        return show_private(request, "web/letters/bad_link.html", {}, status=404)
    reader = Subscriber.objects.filter(pk=value.subscriber_id).first()
    paper = Paper.objects.filter(pk=value.paper_id, hidden=False).first()
    if reader is None or reader.status == Subscriber.Status.UNSUBSCRIBED or paper is None:
        return show_private(request, "web/letters/gone.html", {}, status=410)
    prefer_language(request, reader.language)
    done = _act(request, value, paper) if request.method == "POST" else ""
    return show_private(
        request, "web/letters/feedback.html", _describe(request, value, paper, done)
    )


def _act(request: HttpRequest, value: FeedbackValue, paper: Paper) -> str:
    """Do one thing and return its name, "" for nothing that can be done here."""
    action, now = request.POST.get("do", ""), timezone.now()
    match action:
        case "save" | "like":
            how = How.SAVED if action == "save" else How.LIKED
            save_paper(value.subscriber_id, paper.pk, how, now)
            if is_visiting(request, value.subscriber_id):
                request.session[ADD] = list(suggest_interests(value.subscriber_id, paper, now))
        case "forget":
            drop_paper(value.subscriber_id, paper.pk)
        case "mute" | "unmute":
            query = request.POST.get("query", "")
            if query not in map(str, value.query_ids):
                return ""  # the link is not of this interest
            editing.mute_query(value.subscriber_id, int(query), action == "mute")
        case "link":
            add = suggest_interests(value.subscriber_id, paper, now)
            if not managing.mail_link(value.subscriber_id, now, add):
                return "enough"
            send_notices_soon()
        case _:
            return ""
    return action


def _describe(
    request: HttpRequest, value: FeedbackValue, paper: Paper, done: str
) -> dict[str, object]:
    kept = SavedPaper.objects.filter(subscriber=value.subscriber_id, paper=paper.pk)
    how = kept.values_list("how", flat=True).first()
    suggestions = suggest_interests(value.subscriber_id, paper, timezone.now()) if how else ()
    return {
        "title": readable(paper.title).text,
        "url": paper_address(paper),
        "byline": make_byline(paper),
        "saved": how == How.SAVED,
        "liked": how == How.LIKED,
        "similar": Subscriber.objects.values_list("similar_up_to", flat=True).get(
            pk=value.subscriber_id
        ),
        "interests": _list_named(value),
        "suggestions": suggestions,
        "visiting": is_visiting(request, value.subscriber_id),
        "done": done,
    }


def is_visiting(request: HttpRequest, subscriber_id: int) -> bool:
    visitor = find_visitor(request)
    return visitor is not None and visitor.pk == subscriber_id


def _list_named(value: FeedbackValue) -> list[dict[str, object]]:
    """Return the reader's interests that the link names, as typed, and whether each is muted."""
    texts = dict(Query.objects.filter(pk__in=value.query_ids).values_list("pk", "text"))
    mine = Interest.objects.filter(subscriber=value.subscriber_id).select_related("query")
    by_text = {row.query.text: row for row in mine.filter(query__text__in=texts.values())}
    return [
        {"query": key, "text": by_text[text].text, "muted": by_text[text].muted}
        for key in value.query_ids
        if (text := texts.get(key, "")) in by_text
    ]
