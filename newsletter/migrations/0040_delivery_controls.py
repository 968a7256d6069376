"""Steer the sending: pauses, circuits, throttles, tallies; what a letter's worker went through."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0030_sources'),
        ('subscribers', '0005_leaving'),
    ]

    operations = [
        migrations.CreateModel(
            name='Bucket',
            fields=[
                ('key', models.CharField(max_length=300, primary_key=True, serialize=False)),
                ('free_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Circuit',
            fields=[
                ('relay', models.CharField(help_text='host:port', max_length=270, primary_key=True, serialize=False)),
                ('failures', models.PositiveSmallIntegerField(default=0, help_text='In a row.')),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('probe_at', models.DateTimeField(blank=True, null=True)),
                ('pause', models.PositiveSmallIntegerField(default=0, help_text='Seconds between probes.')),
                ('ramp', models.PositiveIntegerField(default=0)),
                ('code', models.PositiveSmallIntegerField(default=0)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='DomainReply',
            fields=[
                ('domain', models.CharField(max_length=254, primary_key=True, serialize=False)),
                ('sent', models.PositiveBigIntegerField(default=0)),
                ('soft', models.PositiveBigIntegerField(default=0)),
                ('refused', models.PositiveBigIntegerField(default=0)),
                ('code', models.PositiveSmallIntegerField(default=0)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField()),
                ('trouble_code', models.PositiveSmallIntegerField(default=0)),
                ('trouble', models.CharField(blank=True, max_length=300)),
                ('trouble_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'domain replies',
            },
        ),
        migrations.CreateModel(
            name='Switch',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'verbose_name_plural': 'switches',
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('relay', models.CharField(max_length=270)),
                ('minute', models.DateTimeField()),
                ('sent', models.PositiveIntegerField(default=0)),
                ('soft', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('doubtful', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'tallies',
            },
        ),
        migrations.CreateModel(
            name='Tick',
            fields=[
                ('boot', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('wall', models.DateTimeField()),
                ('uptime', models.FloatField(help_text='Seconds.')),
            ],
        ),
        migrations.AddField(
            model_name='delivery',
            name='canary',
            field=models.BooleanField(db_default=False, default=False, help_text="One of the edition's first letters, judged before the others go."),
        ),
        migrations.AddField(
            model_name='delivery',
            name='crashes',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often a worker ended while it was at this letter.'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='parked_at',
            field=models.DateTimeField(blank=True, help_text="In doubt, and by the operator's word not sent again.", null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='setbacks',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How often the relay hung up at it and went on with others.'),
        ),
        migrations.AddField(
            model_name='edition',
            name='canary_size',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='first letters'),
        ),
        migrations.AddField(
            model_name='edition',
            name='cancelled_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='edition',
            name='cleared_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='first letters judged good'),
        ),
        migrations.AddField(
            model_name='edition',
            name='pause_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=200, verbose_name='why it is paused'),
        ),
        migrations.AddField(
            model_name='edition',
            name='paused_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('canary', True)), fields=['edition'], name='delivery_canary'),
        ),
        migrations.AddIndex(
            model_name='domainreply',
            index=models.Index(condition=models.Q(('trouble_at__isnull', False)), fields=['-trouble_at'], name='domain_trouble'),
        ),
        migrations.AddConstraint(
            model_name='switch',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='switch_is_one'),
        ),
        migrations.AddConstraint(
            model_name='tally',
            constraint=models.UniqueConstraint(fields=('minute', 'relay'), name='tally_once_per_minute'),
        ),
    ]
