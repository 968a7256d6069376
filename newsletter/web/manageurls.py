"""The addresses behind letters' links and mailed links, and those of a visit, without a token."""

from __future__ import annotations

from django.urls import path

from newsletter.web import keeping, managing
from newsletter.web.carrying import link_paths
from newsletter.web.feedback import show_feedback
from newsletter.web.letters import leave, show_round, undo_leave

urlpatterns = [
    *link_paths("u/<token>", leave, "leave"),
    *link_paths("undo/<token>", undo_leave, "undo"),
    *link_paths("m/<token>", show_round, "round"),
    *link_paths("m/<token>/<path:what>", managing.refuse_scope, "round_scope"),
    *link_paths("f/<token>", show_feedback, "feedback"),
    path("feed/saved/<str:token>", keeping.show_feed, name="saved_feed"),
    *link_paths("address/old/<token>", managing.answer_address, "answer_old", which="old"),
    *link_paths("address/new/<token>", managing.answer_address, "answer_new", which="new"),
    path("manage", managing.manage, name="manage"),
    *link_paths("manage/open/<token>", managing.open_link, "manage_open"),
    path("manage/finish", managing.finish, name="manage_finish"),
    path("manage/interests", managing.change_interests, name="manage_interests"),
    path("manage/letter", managing.change_settings, name="manage_letter"),
    path("manage/pause", managing.change_pause, name="manage_pause"),
    path("manage/address", managing.change_address, name="manage_address"),
    path("manage/letters", keeping.show_letters, name="manage_letters"),
    path("manage/letters/<int:delivery_id>", keeping.show_letter, name="manage_letter_online"),
    path("manage/saved", keeping.show_saved, name="manage_saved"),
    path("manage/saved/change", keeping.change_saved, name="manage_saved_change"),
    path("manage/saved.<str:kind>", keeping.download_saved, name="manage_saved_file"),
    path("manage/data", keeping.show_data, name="manage_data"),
    path("manage/data/export", keeping.download_data, name="manage_export"),
    path("manage/data/erase", keeping.erase, name="manage_erase"),
]
