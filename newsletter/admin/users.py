"""Operators' accounts, in the same clothes as the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import unfold.forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as UnfoldAdmin
else:
    from unfold.admin import ModelAdmin as UnfoldAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, UnfoldAdmin):  # type: ignore[type-arg]
    form = unfold.forms.UserChangeForm
    add_form = unfold.forms.UserCreationForm
    change_password_form = unfold.forms.AdminPasswordChangeForm
    show_full_result_count = False


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, UnfoldAdmin):  # type: ignore[type-arg]
    show_full_result_count = False
