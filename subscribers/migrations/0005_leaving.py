"""Erased and long-gone readers, and new kinds of consent, have their words."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('subscribers', '0004_choices_and_grants'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(models.F('paused_until'), condition=models.Q(('paused_until__isnull', False), ('status', 'paused')), name='subscriber_resuming'),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='kind',
            field=models.CharField(choices=[('confirmed_by_operator', 'confirmed by the operator'), ('subscribed', 'subscribed'), ('confirmed', 'confirmed'), ('unsubscribed', 'unsubscribed'), ('returned', 'took back an unsubscribe'), ('address_changed', 'changed the address')], max_length=24),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='reason',
            field=models.CharField(choices=[('hard_bounce', 'hard bounce'), ('complaint', 'complaint'), ('erased', 'erased'), ('operator', 'by the operator'), ('blocked', 'blocked by its owner'), ('unsubscribed', 'unsubscribed long ago')], max_length=12),
        ),
    ]
