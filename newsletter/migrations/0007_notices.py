"""Service mails wait in a table of their own, ahead of the letters."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0006_packed_words'),
        ('subscribers', '0004_choices_and_grants'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('confirm', 'confirm the address'), ('manage_link', 'link to manage'), ('address_old', 'address change, to the old one'), ('address_new', 'address change, to the new one'), ('address_changed', 'address changed'), ('unsubscribed', 'unsubscribed'), ('erased', 'erased')], max_length=16)),
                ('address', models.EmailField(blank=True, max_length=254)),
                ('language', models.CharField(default='en', max_length=8)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('sending', 'sending'), ('sent', 'sent'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField(verbose_name='not before')),
                ('owner', models.CharField(blank=True, max_length=64)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('code', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='SMTP code')),
                ('detail', models.CharField(blank=True, help_text='The reply, or the reason.', max_length=300)),
                ('subscriber', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='subscribers.subscriber', verbose_name='reader')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['next_at'], name='notice_due'), models.Index(condition=models.Q(('state', 'sending')), fields=['lease_until'], name='notice_leased'), models.Index(fields=['finished_at'], name='notice_finished')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'sending', 'sent', 'failed', 'cancelled'])), name='notice_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('lease_until__isnull', False), ('state', 'sending'), models.Q(('owner', ''), _negated=True)), models.Q(models.Q(('state', 'sending'), _negated=True), ('lease_until__isnull', True), ('owner', '')), _connector='OR'), name='notice_lease_while_sending'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'sending']), models.Q(('address', ''), ('finished_at__isnull', False), ('payload', {})), _connector='OR'), name='notice_finished_forgets'), models.CheckConstraint(condition=models.Q(('subscriber__isnull', False), models.Q(('address', ''), _negated=True), ('finished_at__isnull', False), _connector='OR'), name='notice_has_an_address')],
            },
        ),
    ]
